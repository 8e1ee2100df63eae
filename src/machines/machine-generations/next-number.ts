import { nextGenerationNumber } from '../generations/next-generation-number.ts';
import type { GenerationLog } from './log.ts';
import type { MachineContext } from './read-generation.ts';

/** A number that no generation of the machine ever had, here or in the log; it is used up, whatever becomes of it. */
export function nextNumber(
  { machine, state }: Pick<MachineContext, 'machine' | 'state'>,
  { entries }: GenerationLog,
): Promise<number> {
  const own = entries.filter((entry) => entry.machine === machine.id);
  return nextGenerationNumber(
    state,
    own.reduce((highest, { generation }) => Math.max(highest, generation), 0),
  );
}
