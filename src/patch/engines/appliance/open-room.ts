import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type KvmState, probeKvm } from '../../../appliance/acceleration.ts';
import type { Disk } from '../../../appliance/machine/disks.ts';
import { translatedCodeMebibytes } from '../../../appliance/machine/start-machine.ts';
import { openAppliance } from '../../../appliance/open-appliance.ts';
import { type RunningAppliance, withAppliance } from '../../../appliance/run-appliance.ts';
import type { Appliance } from '../../../appliance/types.ts';
import { isColdpatchError } from '../../../lib/errors.ts';
import type { EngineHost, ImageCopy } from '../types.ts';

/** How the appliance runs on this host. */
export interface ApplianceHost {
  readonly appliance: Appliance;
  readonly kvm: KvmState;
}

/** @throws ColdpatchError `appliance_missing`, `host_tool_missing`. */
export async function findApplianceHost(host: EngineHost, signal: AbortSignal): Promise<ApplianceHost> {
  const appliance = await openAppliance(host.cacheDirectory);
  const kvm = await probeKvm({
    appliance,
    cacheDirectory: host.cacheDirectory,
    timeoutSeconds: host.kvmProbeSeconds,
    signal,
  });
  return { appliance, kvm };
}

/** What KVM is worth here, as far as it can be found out: without an appliance there is nothing to try it with. */
export async function findKvm(host: EngineHost, signal: AbortSignal): Promise<KvmState> {
  try {
    return (await findApplianceHost(host, signal)).kvm;
  } catch (error) {
    if (!isColdpatchError(error, 'appliance_missing', 'host_tool_missing')) throw error;
    const missing = error.code === 'appliance_missing' ? 'appliance' : 'qemu-system-x86_64';
    return { state: 'not tried', detail: `there is no ${missing} to try it with` };
  }
}

export interface RoomOptions {
  readonly host: ApplianceHost;
  readonly copy: ImageCopy;
  readonly writable: boolean;
  readonly jobDisk: string;
  /** Where the scratch disk is made; none without it. */
  readonly scratch?: string;
  readonly ioBytesPerSecond: number | undefined;
  readonly signal: AbortSignal;
}

const startSeconds = 300;
const memoryMebibytes = 1024;
/** For the machine, what an emulator translates, and QEMU itself. */
export const memoryOnHost = (memoryMebibytes + translatedCodeMebibytes + 256) * 1024 ** 2;
const scratchBytes = 4 * 1024 ** 3;

/** Starts the appliance on a copy and a job disk. */
export async function withCopyInAppliance<Result>(
  { host, copy, writable, jobDisk, scratch, ioBytesPerSecond, signal }: RoomOptions,
  work: (appliance: RunningAppliance) => Promise<Result>,
): Promise<Result> {
  const { path, format, backing } = copy;
  const disks: readonly Disk[] = [
    { serial: 'copy', file: { path, format }, backing, writable },
    { serial: 'job', file: { path: jobDisk, format: 'raw' }, writable: false },
    { serial: 'tools', file: { path: host.appliance.tools, format: 'raw' }, writable: false },
    ...(scratch === undefined ? [] : [await makeScratch(join(scratch, 'scratch'))]),
  ];
  return withAppliance(
    {
      appliance: host.appliance,
      accelerator: host.kvm.state === 'usable' ? 'kvm' : 'tcg',
      disks,
      memoryMebibytes,
      ioBytesPerSecond,
      startSeconds,
      signal,
    },
    work,
  );
}

/** All holes: it takes room only as far as the inside swaps. */
async function makeScratch(path: string): Promise<Disk> {
  await using file = await open(path, 'wx', 0o600);
  await file.truncate(scratchBytes);
  return { serial: 'scratch', file: { path, format: 'raw' }, writable: true };
}
