import type { Gap } from '../../lib/gap.ts';
import type { HoldImages } from '../hypervisors/qemu/hold-image-lock.ts';
import { type CleanedImage, cleanLeftovers } from './clean-leftovers.ts';
import { type ExamineOptions, examineHost } from './examine-host.ts';
import { findHostLeftovers, type HostLeftovers } from './find-host-leftovers.ts';
import { cleanMachine, findMachineLeftovers, type MachineLeftovers } from './machine-leftovers.ts';
import type { HostReport } from './types.ts';

/** What this host can do, and what killed runs left on it. The names are those of `doctor --json`. */
export interface Diagnosis extends HostReport {
  readonly leftovers: readonly HostLeftover[];
  /** What was put in order; empty unless that was asked for. */
  readonly cleaned: readonly CleanedImage[];
  /** Images on which a run is under way. */
  readonly inUse: readonly string[];
  /** What could not be looked at. */
  readonly gaps: readonly Gap[];
}

/** One thing that a killed run left; when it was asked to clean, one that is still there. */
export interface HostLeftover {
  /** Of what: an image's path, or a machine's name. */
  readonly image: string;
  readonly kind: 'replacement' | 'work' | 'staged' | 'unfinished' | 'mount' | 'loop_device';
  readonly path: string;
}

export interface DiagnoseOptions extends ExamineOptions {
  /** Put leftovers in order. */
  readonly clean: boolean;
  readonly holdImages: HoldImages;
  /** Where the machines of this host are remembered. */
  readonly stateDirectory: string;
  readonly now: () => Date;
}

/** `coldpatch doctor`. Changes nothing unless `clean` is asked for. */
export async function diagnoseHost(options: DiagnoseOptions): Promise<Diagnosis> {
  const report = await examineHost(options);
  const found = await findHostLeftovers(options.directories);
  const machines = await findMachineLeftovers(options.stateDirectory);
  if (!options.clean) return { ...report, ...describe(found, machines), cleaned: [] };
  const cleaned: CleanedImage[] = [];
  for (const image of found.images) {
    options.signal?.throwIfAborted();
    cleaned.push(await cleanLeftovers(image, options.holdImages));
  }
  for (const { name } of machines.machines) cleaned.push(await cleanMachine(name, options));
  const left = await findMachineLeftovers(options.stateDirectory);
  return { ...report, ...describe(await findHostLeftovers(options.directories), left), cleaned };
}

function describe(
  { images, inUse, gaps }: HostLeftovers,
  { machines, inUse: machinesInUse }: MachineLeftovers,
): Pick<Diagnosis, 'leftovers' | 'inUse' | 'gaps'> {
  const leftovers = images.flatMap(({ state, files, attachments }) =>
    [...files, ...attachments].map(({ kind, path }) => ({ image: state.imagePath, kind, path })),
  );
  const ofMachines = machines.flatMap(({ name, files }) => files.map((file) => ({ image: name, ...file })));
  return { leftovers: [...leftovers, ...ofMachines], inUse: [...inUse, ...machinesInUse], gaps };
}
