import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { prepareStory } from './machine-story.ts';
import { prepareRunning } from './running-story.ts';
import { mountPointsIn, placesIn, type StoryPlaces } from './story-places.ts';
import { filesOf, memberPathsOf, readStoryState, recoverStory, type StoryState } from './story-state.ts';
import { type CrashedTree, openStrictFilesystem, type StrictFilesystem } from './strict-filesystem.ts';
import { traceProgram } from './trace-program.ts';
import type { TracedOperation } from './traced-operations.ts';
import { digestOfTree, readTree, writeCrashedTree } from './write-crashed-tree.ts';

/**
 * The story, call by call, and what was made of its power cuts, under the strictest filesystem that POSIX allows: the calls are
 * replayed in a model, and each state that the model allows is made of real files, on which the real recovery runs.
 */
export interface StrictTrial {
  readonly root: string;
  readonly work: string;
  readonly programs: string;
  readonly places: StoryPlaces;
  readonly operations: readonly TracedOperation[];
  /** After each chapter, that before the first included. */
  readonly states: readonly StoryState[];
  /** In which chapters other states are right as well. */
  readonly others: ReadonlyMap<number, readonly StoryState[]>;
  /** What became of a tree, by its digest: the same tree is not recovered twice. */
  readonly recovered: Map<string, StoryState>;
  /** The filesystem before the story. */
  open(): StrictFilesystem;
}

/** A program that tells a story, and what is there before it. */
export interface StrictStory {
  readonly program: string;
  readonly prepare: (root: string, work: string) => void | Promise<void>;
}

/** All that is done to a machine that is off, and to images of no machine. */
export const wholeStory: StrictStory = { program: 'machine-story.ts', prepare: prepareStory };

/** Generations of a machine that runs. */
export const runningStory: StrictStory = { program: 'running-story.ts', prepare: prepareRunning };

/**
 * Tells the story under strace, on a filesystem for each kind of members.
 *
 * @param folder empty, and on a tmpfs: it gives no inode number twice. Others are mounted below.
 * @param programs where the stories are: this folder, or that of a copy of the sources.
 */
export async function openStrictTrial(
  folder: string,
  programs: string = import.meta.dirname,
  { program, prepare }: StrictStory = wholeStory,
): Promise<StrictTrial> {
  const [root, work] = [join(folder, 'root'), join(folder, 'work')];
  for (const path of [root, work]) mkdirSync(path, { recursive: true });
  for (const path of mountPointsIn(root).slice(1)) {
    mkdirSync(path);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=700', 'tmpfs', path]);
  }
  await prepare(root, work);
  const before = readTree(root);
  const open = (): StrictFilesystem => openStrictFilesystem(root, before);
  const operations = await traceProgram({ program: join(programs, program), root, work });
  const places = placesIn(root, work);
  assertFaithful(root, operations, open());
  const states = await statesOf({ root, places, operations }, open());
  return { root, work, programs, places, operations, ...states, recovered: new Map(), open };
}

/** What a power cut may leave, once the next commands have recovered. */
export function allowedAt({ states, others }: StrictTrial, { settled }: Moment): readonly StoryState[] {
  return [...states.slice(settled, settled + 2), ...(others.get(settled) ?? [])];
}

/**
 * Whether somebody who starts the machine before anything has recovered would start a mixture: with the first disk in its place,
 * all members must be of one state.
 */
export function isMixture(
  { places }: StrictTrial,
  tree: CrashedTree,
  allowed: readonly StoryState[],
): boolean {
  if (!tree.has(places.web)) return false;
  const found = memberPathsOf(places).map((path) => {
    const file = tree.get(path);
    if (file === undefined || file === 'directory') return 'missing 0';
    return `${createHash('sha256').update(file.content).digest('hex')} ${file.mode.toString(8)}`;
  });
  return !allowed.some((state) => JSON.stringify(filesOf(state)) === JSON.stringify(found));
}

/** Whether a moment is in a chapter, or a part of one, of a name. */
export function isIn({ operations }: StrictTrial, name: string): (moment: Moment) => boolean {
  const ends = operations.flatMap((one) => (one.kind === 'said' && isEnd(one.text) ? one.text : []));
  return ({ settled }) => ends[settled] === `settled: ${name}`;
}

function isEnd(text: string): boolean {
  return /^(settled|unsynced): /.test(text);
}

/** A moment of the story. */
export interface Moment {
  readonly index: number;
  readonly operation: TracedOperation;
  /** How many chapters had come to their end. */
  readonly settled: number;
}

/** All moments after which a power cut differs from one before, and those at which a chapter returns. The machine's own writes are not ours to keep whole. */
export function* momentsOf(
  operations: readonly TracedOperation[],
  apply: (operation: TracedOperation) => boolean,
): Generator<Moment> {
  let settled = 0;
  let isGuest = false;
  for (const [index, operation] of operations.entries()) {
    const hasChanged = apply(operation);
    if (operation.kind === 'said') {
      if (isEnd(operation.text)) settled += 1;
      isGuest =
        operation.text.startsWith('guest: ') || (isGuest && !operation.text.startsWith('guest ended: '));
    }
    const hasReturned = operation.kind === 'said' && operation.text.startsWith('settled: ');
    if (hasReturned || (!isGuest && hasChanged)) yield { index, operation, settled };
  }
}

/** What the next commands make of a tree. */
export async function recoverTree(
  { root, places, recovered }: StrictTrial,
  tree: CrashedTree,
  filesystem: StrictFilesystem,
): Promise<StoryState> {
  const digest = digestOfTree(tree);
  const known = recovered.get(digest);
  if (known !== undefined) return known;
  writeCrashedTree(root, tree, filesystem.numbers());
  const found = await recoverStory(places).catch(String);
  recovered.set(digest, found);
  return found;
}

/** The parts of a state that are not as they were before. */
export function differenceOf(expected: StoryState | undefined, found: StoryState): string {
  if (!found.startsWith('{') || expected === undefined) return found;
  const [before, after] = [expected, found].map((text) => JSON.parse(text) as Record<string, unknown>);
  return Object.keys({ ...before, ...after })
    .filter((name) => JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]))
    .map((name) => `${name} ${JSON.stringify(before?.[name])} became ${JSON.stringify(after?.[name])}`)
    .join('; ');
}

/** For messages. */
export function describeMoment({ index, operation, settled }: Moment): string {
  return `chapter ${settled + 1}, after call ${index} (${describeOperation(operation)})`;
}

export function describeOperation(operation: TracedOperation): string {
  if (operation.kind === 'said') return operation.text;
  if (operation.kind === 'sync all') return operation.kind;
  return `${operation.kind} ${operation.path}${'to' in operation ? ` to ${operation.to}` : ''}`;
}

function sketch(file: string | { readonly content: Buffer; readonly mode: number }): string {
  return typeof file === 'string' ? file : `${file.content.length} bytes, mode ${file.mode.toString(8)}`;
}

/** What is there after each chapter, and what else is right in it. */
async function statesOf(
  { root, places, operations }: Pick<StrictTrial, 'root' | 'places' | 'operations'>,
  filesystem: StrictFilesystem,
): Promise<Pick<StrictTrial, 'states' | 'others'>> {
  const make = (): void =>
    writeCrashedTree(
      root,
      filesystem.crash(() => 'all'),
      filesystem.numbers(),
    );
  make();
  const states = [await readStoryState(places)];
  const others = new Map<number, StoryState[]>();
  for (const operation of operations) {
    filesystem.apply(operation);
    if (operation.kind !== 'said') continue;
    if (operation.text.startsWith('either: ')) {
      make();
      others.set(states.length - 1, [await recoverStory(places)]);
    }
    if (!isEnd(operation.text)) continue;
    make();
    // What the machine did not sync may be lost until somebody has synced it.
    const before = states.at(-1);
    if (operation.text.startsWith('unsynced: ') && before !== undefined) others.set(states.length, [before]);
    states.push(await readStoryState(places));
  }
  return { states, others };
}

/** @throws Error when the model does not end with what is really there. */
function assertFaithful(
  root: string,
  operations: readonly TracedOperation[],
  filesystem: StrictFilesystem,
): void {
  for (const operation of operations) filesystem.apply(operation);
  const model = filesystem.crash(() => 'all');
  const real = readTree(root);
  for (const [path, file] of model) {
    const found = real.get(path) ?? 'nothing';
    real.delete(path);
    const isSame =
      typeof found === 'object' && typeof file === 'object'
        ? found.content.equals(file.content) && found.mode === file.mode
        : found === file;
    if (!isSame)
      throw new Error(
        `Expected the model to have ${path} as it really is, but it has another.\n${sketch(found)}\n${sketch(file)}`,
      );
  }
  if (real.size > 0) throw new Error(`Expected the model to have ${[...real.keys()].join(', ')}.`);
}
