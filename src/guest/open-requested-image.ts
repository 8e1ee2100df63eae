import type { ImageFormatId } from '../disk/image-formats/types.ts';
import type { ChainOptions } from '../disk/open-chain.ts';
import { openImage } from '../disk/open-image.ts';

/** Which image to read, and how. */
export interface InspectRequest extends ChainOptions {
  readonly path: string;
  /** Told by the operator, else decided by a look at the file. */
  readonly format?: ImageFormatId | undefined;
  /** Backing files that the operator declares, that of the image first. */
  readonly backing?: readonly string[] | undefined;
}

/** Opens the image of a request. It must be closed. @throws what the disk room throws for a container that it cannot read. */
export function openRequestedImage({
  backing = [],
  ...request
}: InspectRequest): ReturnType<typeof openImage> {
  return openImage({ ...request, backing: backing.map((path) => ({ path })) });
}
