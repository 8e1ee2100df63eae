/** `coldpatch inspect`: by itself, so that it loads nothing but readers. */
export { inspectMany } from '../guest/inspect-many.ts';
