import type { GenerationLog } from './log.ts';
import type { Manifest } from './manifest.ts';
import type { MachineContext } from './read-generation.ts';

/** The state that the machine had last by the log: the generation that was taken last, or that came back since. */
export function newestParent({ machine }: MachineContext, log: GenerationLog): Manifest['parent'] {
  const last = log.entries.findLast(
    (entry) => entry.machine === machine.id && entry.event !== 'deleted' && entry.event !== 'promoted',
  );
  return last ? { generation: last.generation, manifest: last.manifest } : null;
}
