import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hasNamespaces } from '../../../appliance/machine/confine.ts';
import { openAppliance } from '../../../appliance/open-appliance.ts';
import { checkCopyInAppliance } from '../appliance/check-copy.ts';
import { describeIsolation } from '../appliance/describe-isolation.ts';
import { isMountable } from '../appliance/describe-mounts.ts';
import { hostBytesOf } from '../appliance/host-bytes-of.ts';
import { makeJob } from '../appliance/make-job.ts';
import { findApplianceHost, memoryOnHost } from '../appliance/open-room.ts';
import { readOutcome } from '../appliance/read-outcome.ts';
import { asHostFull } from '../as-host-full.ts';
import type { Engine, EngineInput, EngineResult } from '../types.ts';
import { putIn, takeOut } from './generator-in-copy.ts';

const inside = "the image's own system, in a virtual machine without a network, in a QEMU without privileges";

/** Starts the copy, which upgrades itself. See readme.md. */
export const bootEngine: Engine = {
  id: 'boot',
  revision: 1,
  isolation: inside,
  memoryBytes: memoryOnHost,
  canMount: ({ filesystem, volume }) => isMountable(filesystem.id) && volume.managed === undefined,
  mountable: 'ext2, ext3, ext4, XFS or btrfs',
  startsCopy: true,
  async assertReady({ cacheDirectory }) {
    await openAppliance(cacheDirectory);
  },
  hostBytes: hostBytesOf,
  run: runBootEngine,
  checkFromOutside: checkCopyInAppliance,
};

/** Where other programs of the copy hold its lock, apt waits. */
const aptConfiguration = 'DPkg::Lock::Timeout "600";\n';
const mostUnits = 200;

async function runBootEngine(input: EngineInput): Promise<EngineResult> {
  const { workDirectory, copy, signal, onProgress } = input;
  const moreScripts = join(import.meta.dirname, 'job-scripts');
  const jobDisk = await makeJob(input, { moreScripts, aptConfiguration });
  const host = await findApplianceHost(input.host, signal);
  const { ioBytesPerSecond } = input.host;
  const room = { host, copy, writable: true, jobDisk, ioBytesPerSecond, signal };
  const machineDirectory = join(workDirectory, 'machine');
  await mkdir(machineDirectory, { mode: 0o700 });
  const failedUnits = new Set<string>();
  try {
    onProgress({ fraction: 0, detail: 'preparing the copy' });
    const { madeDirectory } = await putIn(room);
    onProgress({ fraction: 0, detail: 'starting the copy' });
    const outcome = await readOutcome(input, (onLine, onResult) =>
      input.startCopy({
        copy,
        jobDisk,
        accelerator: host.kvm.state === 'usable' ? 'kvm' : 'tcg',
        seconds: input.host.upgradeSeconds,
        workDirectory: machineDirectory,
        signal,
        onUp: () => onProgress({ fraction: 0, detail: 'the copy is up' }),
        onLine,
        onResult(words) {
          const [, unit] = /^failed-unit ([!-~]{1,200})$/.exec(words) ?? [];
          if (unit === undefined) onResult(words);
          else if (failedUnits.size < mostUnits) failedUnits.add(unit);
        },
      }),
    );
    onProgress({ fraction: 1, detail: 'taking the job out of the copy' });
    await takeOut(room, madeDirectory);
    const { log, initramfsBuilt, bootMenuWritten, postponed } = outcome;
    return {
      log,
      initramfsBuilt,
      bootMenuWritten,
      postponed,
      failedUnits: [...failedUnits],
      isolation: describeIsolation(inside, host.kvm, await hasNamespaces()),
    };
  } catch (error) {
    throw await asHostFull(error, input);
  }
}
