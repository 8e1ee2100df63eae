import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { prepareStory } from './machine-story.ts';
import { placesIn, type StoryPlaces } from './story-places.ts';
import { readStoryState, recoverStory, type StoryState } from './story-state.ts';
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
  /** What became of a tree, by its digest: the same tree is not recovered twice. */
  readonly recovered: Map<string, StoryState>;
  /** The filesystem before the story. */
  open(): StrictFilesystem;
}

/**
 * Tells the story under strace.
 *
 * @param folder empty, and on a filesystem that gives no inode number twice, such as tmpfs.
 * @param programs where the story is: this folder, or that of a copy of the sources.
 */
export async function openStrictTrial(
  folder: string,
  programs: string = import.meta.dirname,
): Promise<StrictTrial> {
  const [root, work] = [join(folder, 'root'), join(folder, 'work')];
  for (const path of [root, work]) mkdirSync(path, { recursive: true });
  await prepareStory(root, work);
  const before = readTree(root);
  const open = (): StrictFilesystem => openStrictFilesystem(root, before);
  const operations = await traceProgram({ program: join(programs, 'machine-story.ts'), root, work });
  const places = placesIn(root, work);
  const states: StoryState[] = [];
  for (const tree of replayToEnd(root, operations, open())) {
    writeCrashedTree(root, tree, new Map());
    states.push(await readStoryState(places));
  }
  return { root, work, programs, places, operations, states, recovered: new Map(), open };
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
      if (operation.text.startsWith('settled: ')) settled += 1;
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

/** The trees after each chapter. @throws Error when the model does not end with what is really there. */
function replayToEnd(
  root: string,
  operations: readonly TracedOperation[],
  filesystem: StrictFilesystem,
): readonly CrashedTree[] {
  const now = (): CrashedTree => filesystem.crash(() => 'all');
  const trees = [now()];
  for (const operation of operations) {
    filesystem.apply(operation);
    if (operation.kind === 'said' && operation.text.startsWith('settled: ')) trees.push(now());
  }
  assertFaithful(root, now());
  return trees;
}

function assertFaithful(root: string, model: CrashedTree): void {
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
