import { join } from 'node:path';
import { seededNumbers } from '../seeded-numbers.ts';
import { strictCrashes } from './crash-strictly.ts';
import type { StrictFilesystem } from './strict-filesystem.ts';
import {
  allowedAt,
  describeMoment,
  describeOperation,
  differenceOf,
  isMixture,
  type Moment,
  momentsOf,
  recoverTree,
  type StrictTrial,
} from './strict-trial.ts';
import { traceProgram } from './trace-program.ts';
import type { TracedOperation } from './traced-operations.ts';
import { differInArchive, leftoversOf, readStoryState, type StoryState } from './story-state.ts';
import { digestOfTree, writeCrashedTree } from './write-crashed-tree.ts';

export interface CutOptions {
  /** How many random mixtures after each call; `lost`: only what was synced is there, ever; see `strictCrashes`. */
  readonly mixtures: number | 'lost' | 'filesystems';
  /** Stops after so many wrong ones. */
  readonly enough: number;
  /** Calls that are taken not to have been made. */
  readonly isDropped?: (operation: TracedOperation) => boolean;
  /** Default every moment. */
  readonly isChosen?: (moment: Moment) => boolean;
  /** Only moments at which the dropped calls make a difference. */
  readonly onlyDifferent?: boolean;
}

export interface StrictVerdict {
  /** How many power cuts. */
  readonly points: number;
  readonly wrong: readonly string[];
}

/** Cuts the power after every call of the story. */
export async function cutStory(trial: StrictTrial, options: CutOptions): Promise<StrictVerdict> {
  const next = seededNumbers(1);
  const { filesystem, apply, isChosen } = openBoth(trial, options);
  const wrong: string[] = [];
  let points = 0;
  for (const moment of momentsOf(trial.operations, apply)) {
    if (moment.operation.kind === 'said') {
      wrong.push(...unsettled(trial, filesystem).map((left) => `${describeMoment(moment)}: left ${left}`));
      if (wrong.length >= options.enough) return { points, wrong };
      continue;
    }
    if (options.isChosen?.(moment) === false || !isChosen()) continue;
    const allowed = allowedAt(trial, moment);
    for (const crash of strictCrashes(filesystem, options.mixtures, next)) {
      points += 1;
      const tree = filesystem.crash(crash.remains);
      const found = await recoverTree(trial, tree, filesystem);
      const mixed = isMixture(trial, tree, allowed);
      if (allowed.includes(found) && !mixed) continue;
      const what = mixed ? 'the machine could be started with a mixture' : differenceOf(allowed[0], found);
      wrong.push(`${describeMoment(moment)}, ${crash.name}: ${what}`);
      if (wrong.length >= options.enough) return { points, wrong };
    }
  }
  return { points, wrong };
}

/** A run that was killed, and what the next one did. */
export interface KilledRun {
  readonly moment: Moment;
  readonly recovery: readonly TracedOperation[];
  /** Whether the kill left something to recover; what it removed without a sync may come again, and is seen then. */
  readonly isInterrupted: boolean;
  /** What the recovery then said to be there. */
  readonly reached: StoryState;
}

/** Kills the story at a moment, and traces the recovery. */
export async function killAt(trial: StrictTrial, moment: Moment): Promise<KilledRun> {
  const { root, work, programs, places } = trial;
  const filesystem = trial.open();
  replay(trial, moment, applierOf(filesystem, {}));
  writeCrashedTree(
    root,
    filesystem.crash(() => 'all'),
    filesystem.numbers(),
  );
  const isInterrupted = leftoversOf(places).length > 0;
  const program = join(programs, 'story-state.ts');
  const recovery = await traceProgram({ program, root, work });
  return { moment, recovery, isInterrupted, reached: await readStoryState(places) };
}

/**
 * Cuts the power after every call of the recovery from a kill: what the killed run had not synced may be lost even after
 * the recovery has seen it.
 */
export async function cutRecovery(
  trial: StrictTrial,
  { moment, recovery, isInterrupted, reached }: KilledRun,
  options: CutOptions,
): Promise<StrictVerdict> {
  const next = seededNumbers(1);
  const { filesystem, apply, isChosen } = openBoth(trial, options);
  replay(trial, moment, apply);
  const either = allowedAt(trial, moment);
  const wrong: string[] = [];
  let points = 0;
  const cut = async (allowed: readonly StoryState[], where: string): Promise<void> => {
    if (!isChosen()) return;
    for (const crash of strictCrashes(filesystem, options.mixtures, next)) {
      points += 1;
      const tree = filesystem.crash(crash.remains);
      const found = await recoverTree(trial, tree, filesystem);
      const mixed = isMixture(trial, tree, either);
      if (allowed.includes(found) && !mixed) continue;
      const what = mixed ? 'the machine could be started with a mixture' : differenceOf(allowed[0], found);
      wrong.push(`${describeMoment(moment)}, killed, ${where}, ${crash.name}: ${what}`);
      if (wrong.length >= options.enough) return;
    }
  };
  if (!either.includes(reached))
    wrong.push(`${describeMoment(moment)}, killed: ${differenceOf(either[0], reached)}`);
  for (const operation of recovery) {
    if (wrong.length >= options.enough) return { points, wrong };
    if (apply(operation)) await cut(either, `recovery cut after ${describeOperation(operation)}`);
  }
  // What a recovery has said to be so stays so, but for what only the machine could have synced, and an export that was not
  // finished: no recovery knows of it.
  const [before = '', after = before] = either;
  const isUndecided =
    [moment.settled, moment.settled + 1].some(
      (index) => trial.others.has(index) && reached === trial.states[index],
    ) || differInArchive(before, after);
  await cut(isUndecided ? either : [reached], 'cut after the recovery');
  const left = isInterrupted ? unsettled(trial, filesystem) : [];
  wrong.push(...left.map((path) => `${describeMoment(moment)}, killed, recovered: left ${path}`));
  return { points, wrong };
}

/** Moments at which a kill leaves something that is not synced. */
export function riskyMoments(trial: StrictTrial): readonly Moment[] {
  const filesystem = trial.open();
  const risky = new Set(['rename', 'unlink', 'link', 'directory', 'write', 'truncate']);
  return [...momentsOf(trial.operations, applierOf(filesystem, {}))].filter(
    ({ operation }) => risky.has(operation.kind) && !('path' in operation && /\/work\//.test(operation.path)),
  );
}

/** The filesystem without the calls that are dropped, and whether it is another than with them. */
function openBoth(trial: StrictTrial, options: CutOptions) {
  const filesystem = trial.open();
  const whole = trial.open();
  const applyDropped = applierOf(filesystem, options);
  return {
    filesystem,
    apply(operation: TracedOperation): boolean {
      if (options.onlyDifferent === true) whole.apply(operation);
      return applyDropped(operation);
    },
    isChosen: () => options.onlyDifferent !== true || isDifferent(filesystem, whole),
  };
}

/** Whether a power cut could leave what it could not if no call had been dropped. */
function isDifferent(filesystem: StrictFilesystem, whole: StrictFilesystem): boolean {
  const [found, expected] = [filesystem, whole].map(
    (one) =>
      `${digestOfTree(one.crash(() => 'none'))}\n${one
        .pending()
        .map(({ what }) => what)
        .join('\n')}`,
  );
  return found !== expected;
}

/** What has returned leaves nothing to settle, also after a power cut. */
function unsettled({ root, places }: StrictTrial, filesystem: StrictFilesystem): readonly string[] {
  writeCrashedTree(
    root,
    filesystem.crash(() => 'none'),
    filesystem.numbers(),
  );
  return leftoversOf(places);
}

function replay(
  { operations }: StrictTrial,
  { index }: Moment,
  apply: (operation: TracedOperation) => boolean,
): void {
  for (const one of operations.slice(0, index + 1)) apply(one);
}

function applierOf(
  filesystem: StrictFilesystem,
  { isDropped = () => false }: Pick<CutOptions, 'isDropped'>,
): (operation: TracedOperation) => boolean {
  return (operation) => !isDropped(operation) && filesystem.apply(operation);
}
