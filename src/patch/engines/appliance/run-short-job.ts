import { type RoomOptions, withCopyInAppliance } from './open-room.ts';

/** What a job of the job disk says. */
export interface JobAnswer {
  readonly exitCode: number;
  readonly results: readonly string[];
  /** What it printed last, in one line. */
  readonly words: string;
}

const mostLines = 1000;
const lastLines = 6;

/** Runs one job on a copy, in an appliance of its own, that prints and answers no more than a thousand lines. */
export async function runShortJob(
  room: RoomOptions,
  { name, seconds }: { readonly name: string; readonly seconds: number },
): Promise<JobAnswer> {
  const results: string[] = [];
  const lines: string[] = [];
  const exitCode = await withCopyInAppliance(room, (appliance) =>
    appliance.run({
      name,
      seconds,
      onLine: (line) => lines.length < mostLines && lines.push(line),
      onResult: (words) => results.length < mostLines && results.push(words),
    }),
  );
  return { exitCode, results, words: lines.slice(-lastLines).join(' / ') };
}
