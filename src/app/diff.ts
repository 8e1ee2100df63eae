/** `coldpatch diff`. */
export { compareImages } from '../patch/compare-images.ts';
