import type { GenerationLog } from './log.ts';

/**
 * The generations that the machine's last state comes from, itself included, by the log: those that a rollback left behind are not
 * among them.
 */
export function ancestorsOf(
  { entries }: Pick<GenerationLog, 'entries'>,
  machine: string,
): ReadonlySet<number> {
  const parents = new Map<number, number | undefined>();
  let current: number | undefined;
  for (const { event, generation } of entries.filter((entry) => entry.machine === machine)) {
    if (event === 'taken') parents.set(generation, current);
    if (event === 'taken' || event === 'rolled_back') current = generation;
  }
  const found = new Set<number>();
  while (current !== undefined && !found.has(current)) {
    found.add(current);
    current = parents.get(current);
  }
  return found;
}
