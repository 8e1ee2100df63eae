import { join } from 'node:path';
import { unfinishedSuffix } from '../../lib/durable-file.ts';
import { stagedSuffix } from './generation-paths.ts';
import { namesIn, type StateDirectory } from './state-directory.ts';

/**
 * What a run left that did not come to its end, or what a run that is under way is using.
 *
 * - `replacement`: the record of a replacement that was under way.
 * - `work`: the copies of a run.
 * - `staged`: a generation that does not count yet.
 * - `unfinished`: a small file that was being written.
 */
export interface Leftover {
  readonly kind: 'replacement' | 'work' | 'staged' | 'unfinished';
  readonly path: string;
}

/** Looks for leftovers and changes nothing. Only the run lock tells whether they belong to a run that is under way. */
export async function findLeftovers(state: StateDirectory): Promise<readonly Leftover[]> {
  const names = await namesIn(state.path);
  const generations = await namesIn(state.generations);
  const complete = generations.filter((name) => /^\d+$/.test(name));
  return [
    ...names
      .filter((name) => join(state.path, name) === state.intent)
      .map(() => ({ kind: 'replacement', path: state.intent }) as const),
    ...(await namesIn(state.work)).map((name) => ({ kind: 'work', path: join(state.work, name) }) as const),
    ...generations
      .filter((name) => name.endsWith(stagedSuffix))
      .map((name) => ({ kind: 'staged', path: join(state.generations, name) }) as const),
    ...unfinishedIn(state.path, names),
    ...(
      await Promise.all(
        complete.map(async (name) => {
          const directory = join(state.generations, name);
          return unfinishedIn(directory, await namesIn(directory));
        }),
      )
    ).flat(),
  ];
}

function unfinishedIn(directory: string, names: readonly string[]): readonly Leftover[] {
  return names
    .filter((name) => name.endsWith(unfinishedSuffix))
    .map((name) => ({ kind: 'unfinished', path: join(directory, name) }));
}
