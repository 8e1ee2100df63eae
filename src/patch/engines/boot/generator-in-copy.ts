import { ColdpatchError } from '../../../lib/errors.ts';
import type { RoomOptions } from '../appliance/open-room.ts';
import { runShortJob } from '../appliance/run-short-job.ts';

const seconds = 1800;

/** See job-scripts/put-in.sh. */
const refusals: Readonly<Record<number, string>> = {
  73: 'a system whose first process is systemd, but it is not',
  74: 'a machine that has been started before, but it has no machine id yet: a start would give it one, and all copies of this image the same',
  75: 'no file /etc/systemd/system-generators/coldpatch-upgrade, but there is one',
};

/**
 * Puts the job into the copy: one generator of systemd.
 *
 * @throws ColdpatchError `start_impossible`, `engine_failed`, `appliance_failed`, `appliance_timeout`.
 */
export async function putIn(room: RoomOptions): Promise<{ readonly madeDirectory: boolean }> {
  const { exitCode, results, words } = await runShortJob(room, { name: 'put-in.sh', seconds });
  if (exitCode === 0) return { madeDirectory: results.includes('made-directory') };
  throw explainPutIn(exitCode, words);
}

/**
 * Takes the job out again, and with it its directory when that was made for it.
 *
 * @throws ColdpatchError `engine_failed`, `appliance_failed`, `appliance_timeout`.
 */
export async function takeOut(room: RoomOptions, madeDirectory: boolean): Promise<void> {
  const name = madeDirectory ? 'take-out-with-directory.sh' : 'take-out.sh';
  const { exitCode, words } = await runShortJob(room, { name, seconds });
  if (exitCode === 0) return;
  throw new ColdpatchError(
    'engine_failed',
    `Expected to take the job out of the copy, but that ended with ${exitCode}: ${words} The original is as it was.`,
  );
}

/** Why the job could not be put in. */
export function explainPutIn(exitCode: number, words: string): ColdpatchError {
  const refusal = refusals[exitCode];
  if (refusal !== undefined) {
    return new ColdpatchError(
      'start_impossible',
      `Expected ${refusal}. Use another engine. The original is as it was.`,
    );
  }
  return new ColdpatchError(
    'engine_failed',
    `Expected to put the job into the copy, but that ended with ${exitCode}: ${words} The original is as it was.`,
  );
}
