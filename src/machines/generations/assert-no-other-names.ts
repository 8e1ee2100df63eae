import { dirname, join } from 'node:path';
import { ColdpatchError } from '../../lib/errors.ts';
import type { ResolvedImage } from '../image-path.ts';
import { diskIn } from './generation-paths.ts';
import { namesIn, stateDirectoryOf } from './state-directory.ts';

/**
 * Refuses an image that has further names than its generations: replacing one name would silently leave the others
 * with the old content.
 *
 * @throws ColdpatchError `image_hard_linked`.
 */
export async function assertNoOtherNames({ path, identity }: ResolvedImage): Promise<void> {
  if (identity.linkCount <= 1n) return;
  const { generations } = stateDirectoryOf(path);
  const ours = (await namesIn(generations)).filter(
    (name) => diskIn(join(generations, name))?.inode === identity.inode,
  );
  if (identity.linkCount - BigInt(ours.length) <= 1n) return;
  throw new ColdpatchError(
    'image_hard_linked',
    `Expected ${path} to be the only name of the image, but the file has ${identity.linkCount} names. ` +
      `Find them with "find ${dirname(path)} -xdev -inum ${identity.inode}", and remove those that are not needed.`,
  );
}
