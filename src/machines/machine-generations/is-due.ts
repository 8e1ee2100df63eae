import type { GenerationLog } from './log.ts';

const millisecondsOfHour = 3_600_000;
/** A timer that runs every N hours is never exactly on time. */
const earlyMilliseconds = 60_000;

/** Whether no generation of the machine was taken for so many hours, whatever for. */
export function isDue(log: GenerationLog, machine: string, everyHours: number, now: Date): boolean {
  const last = log.entries.findLast((entry) => entry.machine === machine && entry.event === 'taken');
  if (!last) return true;
  return now.getTime() - Date.parse(last.at) >= everyHours * millisecondsOfHour - earlyMilliseconds;
}
