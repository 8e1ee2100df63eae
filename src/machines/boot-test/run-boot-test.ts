import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { probeKvm } from '../../appliance/acceleration.ts';
import type { DiskFile } from '../../appliance/machine/disks.ts';
import { openAppliance } from '../../appliance/open-appliance.ts';
import type { Accelerator, Appliance } from '../../appliance/types.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import type { Machine } from '../definitions/machine.ts';
import { removeTree } from '../generations/remove-tree.ts';
import { isSameFile } from '../is-same-file.ts';
import { makePrivateDirectory } from '../make-private-directory.ts';
import { bootOnce } from './boot-once.ts';
import { chooseFirmware, type Firmware } from './choose-firmware.ts';
import { cloneState } from './clone-state.ts';
import { compareBoots } from './compare-boots.ts';
import { prepareClone, type PreparedClone, type PrepareOptions } from './prepare-clone.ts';
import { describeDisk, type TestDisk } from './test-disk.ts';
import type { Boot, BootLabel, BootTestResult, Probe } from './types.ts';

/** A disk image with a system in it: only read. */
export interface TestedImage {
  readonly file: DiskFile;
  readonly backing: readonly DiskFile[];
  readonly mounts: PrepareOptions['mounts'];
}

export interface BootTestOptions {
  readonly image: TestedImage;
  /** The image as it was, when `image` is an upgraded copy of it. */
  readonly unpatched?: TestedImage | undefined;
  /** Whose disk it is: firmware, hardware, other disks, UEFI variables and vTPM are its own. */
  readonly machine?: Machine | undefined;
  /** The path by which the machine knows the disk. */
  readonly path: string;
  /** See `chooseFirmware`. */
  readonly madeFor: 'bios' | 'uefi';
  readonly probes: readonly Probe[];
  /** For each start, until the machine is up and has reported. */
  readonly timeLimitSeconds: number;
  readonly memoryMebibytes: number;
  readonly host: { readonly cacheDirectory: string; readonly kvmProbeSeconds: number };
  /** A directory that exists; what is made in it is gone afterwards, or goes with it. */
  readonly workDirectory: string;
  readonly evidence: EvidencePlace;
  readonly signal: AbortSignal;
  readonly onStart: (label: BootLabel) => void;
}

/** Where evidence is kept: `own` is emptied before, a directory of the operator's must be empty. */
export interface EvidencePlace {
  readonly path: string;
  readonly owner: 'own' | 'operator';
}

/**
 * Starts throw-away clones of a machine and says how it came up.
 *
 * @throws ColdpatchError `appliance_missing`, `host_tool_missing`, `machine_unsupported`, `vtpm_broken`, `image_in_use`,
 * `probe_impossible` when nobody can be asked inside, `usage` when the operator's folder for evidence holds something.
 */
export async function runBootTest(options: BootTestOptions): Promise<BootTestResult> {
  const { host, machine, signal } = options;
  const appliance = await openAppliance(host.cacheDirectory);
  const firmware = await chooseFirmware(machine, options.madeFor);
  await makeEvidencePlace(options.evidence);
  const kvm = await probeKvm({
    appliance,
    cacheDirectory: host.cacheDirectory,
    timeoutSeconds: host.kvmProbeSeconds,
    signal,
  });
  const accelerator = kvm.state === 'usable' ? 'kvm' : 'tcg';
  const workDirectory = join(options.workDirectory, 'boot-test');
  await mkdir(workDirectory, { mode: 0o700 });
  try {
    const start = await openStarter({ ...options, workDirectory }, { appliance, firmware, accelerator });
    const outcome = options.unpatched ? await compareBoots(start) : await startAlone(start);
    return {
      ...outcome,
      accelerator,
      firmware: nameOfFirmware(firmware),
      evidence: options.evidence.path,
    };
  } finally {
    await rm(workDirectory, { recursive: true, force: true });
  }
}

interface Ground {
  readonly appliance: Appliance;
  readonly firmware: Firmware;
  readonly accelerator: Accelerator;
}

/** All starts of a test begin with the same state of the machine, and with the same clone of an image. */
async function openStarter(
  options: BootTestOptions,
  { appliance, firmware, accelerator }: Ground,
): Promise<(label: BootLabel) => Promise<Boot>> {
  const { machine, probes, signal, workDirectory, image, unpatched } = options;
  const state = await cloneState(machine, firmware, join(workDirectory, 'state'));
  const others = (machine?.disks ?? []).map(({ path, format }) =>
    isSameFile(path, options.path) ? undefined : describeDisk({ path, format }, []),
  );
  const prepared = new Map<TestedImage, PreparedClone>();
  const prepare = async (tested: TestedImage): Promise<PreparedClone> => {
    const known = prepared.get(tested);
    if (known) return known;
    const clone = await prepareClone({
      appliance,
      accelerator,
      disk: describeDisk(tested.file, tested.backing),
      mounts: tested.mounts,
      probes,
      directory: join(workDirectory, `clone-${prepared.size}`),
      signal,
    });
    assertAsked(clone, probes);
    prepared.set(tested, clone);
    return clone;
  };
  const { memoryMebibytes, timeLimitSeconds } = options;
  const hardware = { accelerator, firmware, memoryMebibytes, boot: machine?.boot ?? null };
  return async (label) => {
    signal.throwIfAborted();
    options.onStart(label);
    const { disk, notAsked } = await prepare(label === 'unpatched' && unpatched ? unpatched : image);
    return bootOnce({
      label,
      hardware,
      disks: others.length === 0 ? [disk] : others.map((other): TestDisk => other ?? disk),
      state,
      machine,
      probes,
      notAsked,
      timeLimitSeconds,
      workDirectory,
      evidenceDirectory: options.evidence.path,
      signal,
    });
  };
}

async function startAlone(start: (label: BootLabel) => Promise<Boot>) {
  const boot = await start('image');
  const outcome = boot.verdict === 'healthy' ? ('passed' as const) : ('failed' as const);
  return { outcome, detail: boot.detail, boots: [boot] };
}

function nameOfFirmware(firmware: Firmware): BootTestResult['firmware'] {
  if (firmware.kind === 'bios') return 'bios';
  return firmware.secureBoot ? 'uefi with Secure Boot' : 'uefi';
}

function assertAsked({ notAsked }: PreparedClone, probes: readonly Probe[]): void {
  if (notAsked === undefined || probes.length === 0) return;
  throw new ColdpatchError(
    'probe_impossible',
    `Expected a system in which probes can be asked, but ${notAsked}. Leave --probe out.`,
  );
}

async function makeEvidencePlace({ path, owner }: EvidencePlace): Promise<void> {
  if (owner === 'own') {
    await removeTree(path);
    await makePrivateDirectory(path);
    return;
  }
  await mkdir(path, { recursive: true, mode: 0o700 });
  if ((await readdir(path)).length === 0) return;
  throw new ColdpatchError(
    'usage',
    `Expected an empty folder for the evidence, but ${path} holds something.`,
  );
}
