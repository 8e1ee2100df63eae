import { ColdpatchError } from '../lib/errors.ts';
import { folder } from './folder/index.ts';
import { libvirt } from './libvirt/index.ts';
import type { Source, SourceAdapter, SourceSettings } from './types.ts';

const sources: readonly SourceAdapter[] = [folder, libvirt];

/** @throws `internal` for a kind that no adapter has. */
export function openSource(settings: SourceSettings): Source {
  for (const adapter of sources) {
    const source = adapter.open(settings);
    if (source) return source;
  }
  throw new ColdpatchError(
    'internal',
    `Expected the kind of a source, found "${settings.kind}". Report this as a bug.`,
  );
}
