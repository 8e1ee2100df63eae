import { ColdpatchError } from '../lib/errors.ts';
import { folder } from './folder/index.ts';
import type { SourceAdapter } from './types.ts';

const sources: readonly SourceAdapter[] = [folder];

/** @throws `internal` for an id that no adapter has. */
export function sourceOf(id: string): SourceAdapter {
  const found = sources.find((source) => source.id === id);
  if (found !== undefined) return found;
  throw new ColdpatchError('internal', `Expected the id of a source, found "${id}". Report this as a bug.`);
}
