/** `coldpatch inspect`: by itself, so that it loads nothing but readers. */
export { inspectPath } from '../guest/inspect-path.ts';
