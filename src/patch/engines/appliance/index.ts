import { hasNamespaces } from '../../../appliance/machine/confine.ts';
import { openAppliance } from '../../../appliance/open-appliance.ts';
import type { Engine, EngineInput, EngineResult } from '../types.ts';
import { checkCopyInAppliance } from './check-copy.ts';
import { describeIsolation } from './describe-isolation.ts';
import { isMountable } from './describe-mounts.ts';
import { hostBytesOf } from './host-bytes-of.ts';
import { logicalVolumeOf } from './logical-volume-of.ts';
import { makeJob } from './make-job.ts';
import { findApplianceHost, memoryOnHost, withCopyInAppliance } from './open-room.ts';
import { type Outcome, readOutcome } from './read-outcome.ts';
import { asHostFull } from '../as-host-full.ts';

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

async function runApplianceEngine(input: EngineInput): Promise<EngineResult> {
  const { workDirectory, copy, signal } = input;
  const jobDisk = await makeJob(input);
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
    return { ...resultOf(outcome), isolation: describeIsolation(inside, host.kvm, await hasNamespaces()) };
  } catch (error) {
    throw await asHostFull(error, input);
  }
}

function resultOf({ log, initramfsBuilt, bootMenuWritten, postponed }: Outcome): EngineResult {
  return { log, initramfsBuilt, bootMenuWritten, postponed };
}
