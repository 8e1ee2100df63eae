import type { Keeping } from './keeping-schema.ts';
import type { Config } from './schema.ts';

/** How the generations of one machine are kept: what is said for it wins over what is said for all. */
export function keepingOf({ generations }: Config, machine: string): Keeping {
  const own = Object.hasOwn(generations.machines, machine) ? generations.machines[machine] : undefined;
  return { ...generations.defaults, ...own };
}
