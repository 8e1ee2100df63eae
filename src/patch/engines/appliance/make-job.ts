import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { guestAptConfiguration, guestPreferences, guestSourcesList } from '../namespace/apt-configuration.ts';
import { describeDiskToGuest } from '../namespace/describe-disk-to-guest.ts';
import { makeLocalRepository } from '../namespace/make-local-repository.ts';
import type { EngineInput } from '../types.ts';
import { describeMounts, placeOf } from './describe-mounts.ts';
import { makeJobDisk } from './make-job-disk.ts';

const guestScripts = join(import.meta.dirname, '../namespace/guest-scripts');
const jobScripts = join(import.meta.dirname, 'job-scripts');

export interface JobParts {
  /** A directory with scripts beside those of the appliance. */
  readonly moreScripts?: string;
  /** Lines of apt.conf(5) on top of those of every engine. */
  readonly aptConfiguration?: string;
}

/**
 * Makes the job disk of an upgrade: scripts, and a repository of the planned packages.
 *
 * @returns its file, in the working directory.
 */
export async function makeJob(
  input: Pick<EngineInput, 'guest' | 'packages' | 'workDirectory' | 'signal'>,
  parts: JobParts = {},
): Promise<string> {
  const tree = join(input.workDirectory, 'job');
  await fillTree(tree, input, parts);
  const disk = join(input.workDirectory, 'job-disk');
  await makeJobDisk(tree, disk, input.signal);
  // All of it is on the disk, and the copy needs the room.
  await rm(tree, { recursive: true });
  return disk;
}

async function fillTree(
  tree: string,
  { guest, packages, signal }: Pick<EngineInput, 'guest' | 'packages' | 'signal'>,
  { moreScripts, aptConfiguration = '' }: JobParts,
): Promise<void> {
  const scripts = join(tree, 'scripts');
  await mkdir(tree);
  await cp(jobScripts, tree, { recursive: true });
  if (moreScripts !== undefined) await cp(moreScripts, tree, { recursive: true });
  await cp(guestScripts, scripts, { recursive: true, dereference: true });
  await makeLocalRepository(join(tree, 'repository'), packages, signal);
  const places = new Map(guest.mounts.map((mount) => [mount.filesystem.uuid, placeOf(mount)]));
  const { grubProbeAnswers, links } = describeDiskToGuest(guest, places);
  const files = {
    mounts: describeMounts(guest.mounts),
    links: lines(links),
    'scripts/apt.conf': `${guestAptConfiguration}${aptConfiguration}`,
    'scripts/sources.list': guestSourcesList,
    'scripts/preferences': guestPreferences,
    'scripts/grub-probe-answers': lines(grubProbeAnswers),
    ...(guest.hasPolicyRcD && { 'has-policy-rc-d': '' }),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(tree, name), text);
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}
