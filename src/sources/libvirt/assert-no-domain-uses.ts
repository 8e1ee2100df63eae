import { ColdpatchError } from '../../lib/errors.ts';
import { readUsedFiles } from './read-domains.ts';

/** @throws ColdpatchError `image_in_use` when a domain runs with the image or will go on with it, `source_unreachable`. */
export async function assertNoDomainUses(uri: string, locator: string): Promise<void> {
  const user = (await readUsedFiles(uri)).find(({ path }) => path === locator);
  if (user === undefined) return;
  throw new ColdpatchError(
    'image_in_use',
    `Expected an image that nothing uses, but the domain ${JSON.stringify(user.domain)} runs with ${locator}, is paused or is saved. ` +
      'Shut it down; of a saved one, "virsh managedsave-remove" throws the saved state away.',
  );
}
