import type { ImageFormatId } from './image-formats/types.ts';
import { type ChainOptions, type DeclaredFile, openChain } from './open-chain.ts';
import { openVolumes } from './open-volumes.ts';
import type { OpenedImage } from './types.ts';

export interface OpenImageOptions extends ChainOptions {
  readonly path: string;
  /**
   * The format, when the operator knows it.
   * Otherwise it is found out: a guest can choose what its raw disk looks like, but gains nothing by it,
   * because no file is opened that was not declared.
   */
  readonly format?: ImageFormatId | undefined;
  /** The backing files in their order, that of the image first. */
  readonly backing?: readonly DeclaredFile[] | undefined;
}

/**
 * Opens an image read only, down to its filesystems. It must be closed.
 * What could not be read is in `gaps`; an image that cannot be read at all throws.
 */
export function openImage(options: OpenImageOptions): OpenedImage & { close(): void } {
  const { chain, disk, close } = openChain(options, options.backing ?? [], options);
  try {
    return { chain, disk, ...openVolumes(disk), close };
  } catch (error) {
    close();
    throw error;
  }
}
