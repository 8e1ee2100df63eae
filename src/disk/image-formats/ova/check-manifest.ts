import { createHash } from 'node:crypto';
import { ColdpatchError } from '../../../lib/errors.ts';

/**
 * Holds the OVF descriptor against its digest in the manifest (DSP0243, section 5.1).
 * @param bytes of the descriptor.
 * @returns false when the manifest does not name it with a digest that we know.
 */
export function checkManifest(manifest: string, name: string, bytes: Uint8Array): boolean {
  for (const line of manifest.split('\n')) {
    const [, algorithm, file, digest] =
      /^(SHA1|SHA256|SHA512) ?\((.{1,1024})\) ?= ?([0-9a-fA-F]+)\s*$/.exec(line) ?? [];
    if (algorithm === undefined || digest === undefined || file !== name) continue;
    const found = createHash(algorithm.toLowerCase()).update(bytes).digest('hex');
    if (found === digest.toLowerCase()) return true;
    throw new ColdpatchError(
      'image_corrupt',
      `Expected the OVF descriptor to have the ${algorithm} digest ${digest} of the manifest, but it has ${found}. ` +
        'Take the image from its source again.',
    );
  }
  return false;
}
