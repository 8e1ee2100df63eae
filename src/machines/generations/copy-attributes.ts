import { lstatSync } from 'node:fs';
import { ColdpatchError } from '../../lib/errors.ts';
import { runProgramOrFail } from '../../lib/run-program.ts';

/**
 * Gives `to` the owner, group, mode, access control list and extended attributes of `from`.
 * Times stay as they are: a backup that goes by size and time must see that the image is another one.
 */
export async function copyAttributes(from: string, to: string): Promise<void> {
  await runProgramOrFail({
    file: 'cp',
    args: [
      '--attributes-only',
      '--preserve=mode,ownership,xattr',
      '--no-target-directory',
      '--no-dereference',
      '--',
      from,
      to,
    ],
    timeoutSeconds: 60,
  });
  const wanted = lstatSync(from);
  const found = lstatSync(to);
  if (found.uid === wanted.uid && found.gid === wanted.gid && found.mode === wanted.mode) return;
  throw new ColdpatchError(
    'root_required',
    `Expected to give the new image the owner ${wanted.uid}:${wanted.gid} and mode ${(wanted.mode & 0o7777).toString(8)} ` +
      `of ${from}, but it got ${found.uid}:${found.gid} and ${(found.mode & 0o7777).toString(8)}. Run as root or as the owner.`,
  );
}
