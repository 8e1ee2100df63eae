import type { GenerationLog } from './log.ts';
import type { Manifest } from './manifest.ts';
import type { MachineContext } from './read-generation.ts';

/** The state that the machine had last by the log: the generation that was taken last, or that came back since. */
export function newestParent({ machine }: MachineContext, log: GenerationLog): Manifest['parent'] {
  const last = log.entries.findLast(
    ({ machine: id, event }) => id === machine.id && (event === 'taken' || event === 'rolled_back'),
  );
  return last ? { generation: last.generation, manifest: last.manifest } : null;
}
