import { lstatSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import type { Machine } from '../definitions/machine.ts';
import { holdImageLocks, type ImageHold } from '../hypervisors/qemu/hold-image-lock.ts';
import { isThere, lockFileName } from '../vtpm/state-files.ts';
import { assertNoWriters } from './find-writers.ts';
import { memberFilesOf } from './member-files.ts';

/**
 * Keeps a machine switched off: QEMU's locks on its disks and UEFI variables, and swtpm's lock on the directory of its vTPM.
 * Both are locks of the kernel on files, so one holder has them all. swtpm takes none on a state that is one file:
 * whoever has that open is looked for instead.
 *
 * @throws ColdpatchError `image_in_use`.
 */
export async function holdMachine(machine: Machine): Promise<ImageHold> {
  const members = memberFilesOf(machine);
  const locked = members.filter(({ kind, path }) => kind !== 'vtpm' && isThere(path)).map(({ path }) => path);
  const hold = await holdImageLocks([...locked, ...(await vtpmLocks(machine))]);
  try {
    assertNoWriters(members.map(({ path }) => path));
    return hold;
  } catch (error) {
    await hold.release();
    throw error;
  }
}

async function vtpmLocks({ vtpm }: Machine): Promise<readonly string[]> {
  if (vtpm?.backend !== 'directory') return [];
  const path = join(vtpm.path, lockFileName);
  try {
    await using file = await open(path, 'wx', 0o660);
    const { uid, gid } = lstatSync(vtpm.path);
    await file.chown(uid, gid);
  } catch (error) {
    if (!hasErrorCode(error, 'EEXIST')) throw error;
  }
  return [path];
}
