import type { ImageFormatId } from '../disk/image-formats/types.ts';
import { openImage } from '../disk/open-image.ts';
import { inspectImage } from './inspect-image.ts';
import type { Inspection } from './inspection.ts';

/** Which image to read, and how. */
export interface InspectRequest {
  readonly path: string;
  /** Told by the operator, else decided by a look at the file. */
  readonly format?: ImageFormatId;
  /** Backing files that the operator declares, that of the image first. */
  readonly backing?: readonly string[];
}

/**
 * Opens an image, inspects it and closes it.
 * @throws what the disk room throws for a container that cannot be read at all
 */
export function inspectPath({ path, format, backing = [] }: InspectRequest): Inspection {
  const image = openImage({ path, format, backing: backing.map((file) => ({ path: file })) });
  try {
    return inspectImage(image);
  } finally {
    image.close();
  }
}
