/** `coldpatch ls`, `cat` and `cp`. */
export { extractFiles } from '../guest/extract-files.ts';
export { listFiles } from '../guest/list-files.ts';
export { openTree } from '../guest/open-tree.ts';
export { readChunks } from '../lib/read-chunks.ts';
