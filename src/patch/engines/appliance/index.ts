import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestFile } from '../../../lib/digest-file.ts';
import { openAppliance } from '../../../appliance/open-appliance.ts';
import { guestAptConfiguration, guestPreferences, guestSourcesList } from '../namespace/apt-configuration.ts';
import { describeDiskToGuest } from '../namespace/describe-disk-to-guest.ts';
import { makeLocalRepository } from '../namespace/make-local-repository.ts';
import type { Engine, EngineInput, EngineResult } from '../types.ts';
import { checkCopyInAppliance } from './check-copy.ts';
import { describeMounts, isMountable, placeOf } from './describe-mounts.ts';
import { logicalVolumeOf } from './logical-volume-of.ts';
import { makeJobDisk } from './make-job-disk.ts';
import { type ApplianceHost, findApplianceHost, memoryOnHost, withCopyInAppliance } from './open-room.ts';
import { type Outcome, readOutcome } from './read-outcome.ts';
import { asHostFull } from '../as-host-full.ts';
import { hostBytesOf } from './host-bytes-of.ts';
import { unpackPackage } from './unpack-package.ts';

const inside = 'a virtual machine of its own without a network, in a QEMU without privileges';

/** Runs the guest's package manager in a small virtual machine of ours. See readme.md. */
export const applianceEngine: Engine = {
  id: 'appliance',
  revision: 3,
  isolation: inside,
  memoryBytes: memoryOnHost,
  canMount: ({ filesystem, volume }) =>
    isMountable(filesystem.id) && (volume.managed === undefined || logicalVolumeOf(volume) !== undefined),
  mountable: 'ext2, ext3, ext4, XFS or btrfs',
  async assertReady({ cacheDirectory }) {
    await openAppliance(cacheDirectory);
  },
  hostBytes: hostBytesOf,
  run: runApplianceEngine,
  checkFromOutside: checkCopyInAppliance,
};

const guestScripts = join(import.meta.dirname, '../namespace/guest-scripts');
const jobScripts = join(import.meta.dirname, 'job-scripts');

async function runApplianceEngine(input: EngineInput): Promise<EngineResult> {
  const { workDirectory, copy, signal } = input;
  const tree = join(workDirectory, 'job');
  await makeJob(tree, input);
  const jobDisk = join(workDirectory, 'job-disk');
  await makeJobDisk(tree, jobDisk, signal);
  // All of it is on the disk, and the copy needs the room.
  await rm(tree, { recursive: true });
  const host = await findApplianceHost(input.host, signal);
  try {
    const outcome = await withCopyInAppliance(
      {
        host,
        copy,
        writable: true,
        jobDisk,
        scratch: workDirectory,
        signal,
        ioBytesPerSecond: input.host.ioBytesPerSecond,
      },
      (appliance) =>
        readOutcome(input, (onLine, onResult) =>
          appliance.run({ name: 'upgrade.sh', seconds: input.host.upgradeSeconds, onLine, onResult }),
        ),
    );
    return { ...resultOf(outcome), isolation: describeIsolation(host) };
  } catch (error) {
    throw await asHostFull(error, workDirectory);
  }
}

async function makeJob(tree: string, { guest, packages, signal }: EngineInput): Promise<void> {
  const scripts = join(tree, 'scripts');
  await mkdir(tree);
  await cp(jobScripts, tree, { recursive: true });
  await cp(guestScripts, scripts, { recursive: true, dereference: true });
  await makeLocalRepository(join(tree, 'repository'), packages, signal, async ({ path }, directory, name) => {
    const file = join(directory, name);
    const size = await unpackPackage(path, file, signal);
    return { name, size, sha256: await digestFile(file, { signal }) };
  });
  const places = new Map(guest.mounts.map((mount) => [mount.filesystem.uuid, placeOf(mount)]));
  const { grubProbeAnswers, links } = describeDiskToGuest(guest, places);
  const files = {
    mounts: describeMounts(guest.mounts),
    links: lines(links),
    'scripts/apt.conf': guestAptConfiguration,
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

function resultOf({ log, initramfsBuilt, bootMenuWritten, postponed }: Outcome): EngineResult {
  return { log, initramfsBuilt, bootMenuWritten, postponed };
}

function describeIsolation({ kvm }: ApplianceHost): string {
  if (kvm.state === 'usable') return `${inside}, under KVM`;
  return (
    `${inside}, under emulation because KVM is ${kvm.state} (${kvm.detail}): ` +
    'QEMU promises no isolation then, so it is a guard against accidents and common attacks'
  );
}
