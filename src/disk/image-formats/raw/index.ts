import type { ImageFormat } from '../types.ts';

/** The disk's bytes as they are. */
export const raw: ImageFormat = {
  id: 'raw',
  revision: 1,
  detect() {
    return { answer: 'yes' };
  },
  readHeader(file) {
    return { format: 'raw', virtualSize: file.size, properties: {} };
  },
  open(file) {
    return file;
  },
};
