import { inspectImage } from './inspect-image.ts';
import type { Inspection } from './inspection.ts';
import { type InspectRequest, openRequestedImage } from './open-requested-image.ts';

/**
 * Opens an image, inspects it and closes it.
 * @throws what the disk room throws for a container that cannot be read at all
 */
export function inspectPath(request: InspectRequest): Inspection {
  const image = openRequestedImage(request);
  try {
    return inspectImage(image);
  } finally {
    image.close();
  }
}
