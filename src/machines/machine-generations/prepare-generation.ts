import { chmod, link, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory, syncFile } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { assertFreeSpace } from '../assert-free-space.ts';
import { copyImage } from '../copy-image.ts';
import { stagedDirectory } from '../generations/generation-paths.ts';
import { removeTree } from '../generations/remove-tree.ts';
import { hasSameContent, readIdentity } from '../image-identity.ts';
import { makePrivateDirectory } from '../make-private-directory.ts';
import { isThere, largestStateFile } from '../vtpm/state-files.ts';
import {
  besideDirectory,
  diskDirectories,
  type MemberFile,
  memberFilesOf,
  preparedPath,
} from './member-files.ts';
import type { MachineContext } from './read-generation.ts';

export interface Preparation {
  /** `link`: for a state that is about to be replaced; the file itself goes to the generation. */
  readonly disks: 'copy' | 'link';
  /** Free space that must remain on each filesystem, in bytes. */
  readonly reserve: bigint;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Puts all members of the machine as it is now under a generation that does not count yet; all of it is synced.
 * The caller holds the machine. Members that are not there are left out.
 *
 * @returns how the disks came there.
 */
export async function prepareMembers(
  { machine, state }: MachineContext,
  generation: number,
  preparation: Preparation,
): Promise<readonly ('reflink' | 'copy' | 'link')[]> {
  const staged = stagedDirectory(state, generation);
  await makePrivateDirectory(staged);
  const methods: ('reflink' | 'copy' | 'link')[] = [];
  for (const member of memberFilesOf(machine)) {
    if (!isThere(member.path)) continue;
    const to = preparedPath(state, machine, generation, member);
    if (member.kind === 'disk') {
      await makeBesideDirectory(besideDirectory(machine, member, String(generation)));
      methods.push(await prepareDisk(member, to, preparation));
    } else {
      await copyMember(member, to, preparation);
    }
  }
  for (const directory of [...diskDirectories(machine, generation), staged]) await syncIfThere(directory);
  return methods;
}

/** Makes a directory beside a member, and those above it that are ours. */
export async function makeBesideDirectory(path: string): Promise<void> {
  await makePrivateDirectory(dirname(dirname(path)));
  await makePrivateDirectory(dirname(path));
  await makePrivateDirectory(path);
}

/** Copies one member and syncs the copy. @throws ColdpatchError `image_changed` when it was written meanwhile. */
export async function copyMember(
  member: MemberFile,
  to: string,
  { reserve, signal }: Pick<Preparation, 'reserve' | 'signal'>,
): Promise<'reflink' | 'copy'> {
  const before = readIdentity(member.path);
  if (member.kind !== 'disk' && before.size > BigInt(largestStateFile)) {
    throw new ColdpatchError(
      'machine_unsupported',
      `Expected at most ${largestStateFile} bytes in ${member.path}, but found ${before.size}.`,
    );
  }
  // The kernel notices later writes of a program that has the file mapped only after this.
  await syncFile(member.path);
  const { method } = await copyImage(member.path, to, {
    ...(signal && { signal }),
    beforeCopy: () => assertFreeSpace(dirname(to), before.size + reserve),
  });
  await chmod(to, 0o600);
  await syncFile(to);
  if (hasSameContent(before, readIdentity(member.path))) return method;
  throw new ColdpatchError(
    'image_changed',
    `Expected ${member.path} to stay as it was while it was copied, but it was written. Make sure that the machine is off, then try again.`,
  );
}

/** Takes away a generation that does not count, and all that was staged. */
export async function discardPrepared(
  { state }: MachineContext,
  generation: number,
  directories: readonly string[],
): Promise<void> {
  for (const directory of directories) {
    await removeTree(directory);
    await removeEmptyAbove(directory);
  }
  await removeTree(stagedDirectory(state, generation));
}

async function prepareDisk(
  member: MemberFile,
  to: string,
  preparation: Preparation,
): Promise<'reflink' | 'copy' | 'link'> {
  if (preparation.disks === 'copy') return copyMember(member, to, preparation);
  // The machine may not have synced what it wrote, and the generation must be what its manifest says.
  await syncFile(member.path);
  await link(member.path, to);
  return 'link';
}

async function syncIfThere(directory: string): Promise<void> {
  if (isThere(directory)) await syncDirectory(directory);
}

/** The two directories above, when nothing else is in them. */
export async function removeEmptyAbove(directory: string): Promise<void> {
  for (const path of [dirname(directory), dirname(dirname(directory))]) {
    try {
      await rmdir(path);
      await syncDirectory(dirname(path));
    } catch (error) {
      if (hasErrorCode(error, 'ENOTEMPTY')) return;
      // A run that was killed may have made, or removed, one of the two alone.
      if (!hasErrorCode(error, 'ENOENT')) throw error;
    }
  }
}
