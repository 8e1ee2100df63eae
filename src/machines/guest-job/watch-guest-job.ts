import { setTimeout as delay } from 'node:timers/promises';
import { readFrames } from '../../appliance/machine/read-frames.ts';
import { ColdpatchError, isColdpatchError } from '../../lib/errors.ts';
import { createBootPatience } from '../boot-test/boot-patience.ts';
import type { TestMachine } from '../boot-test/start-test-machine.ts';
import { watchConsoles } from '../boot-test/watch-consoles.ts';
import { JobFrames, type JobHeard } from './job-frames.ts';
import { type JobLimits, judgeGuestJob } from './judge-guest-job.ts';

export interface WatchJobOptions extends JobHeard {
  readonly limits: JobLimits;
  readonly signal: AbortSignal;
}

const frameLimits = { line: 4096, total: 64 * 1024 * 1024 };
const keptBytes = 64 * 1024;
const pollMilliseconds = 200;

/**
 * Watches a started machine until the job inside has ended and the machine has switched itself off.
 *
 * @returns the exit code that the job claims.
 * @throws ColdpatchError `guest_not_started`, `guest_ended_early`, `guest_timeout`, `guest_protocol`, and what `signal`
 * was aborted with, or one of the callbacks threw.
 */
export async function watchGuestJob(machine: TestMachine, options: WatchJobOptions): Promise<number> {
  const { limits, signal } = options;
  const frames = new JobFrames(options);
  const watched = watchConsoles(machine, keptBytes);
  const patience = createBootPatience(watched.signs, true);
  let failure: Error | undefined;
  void follow(machine, frames).then((found) => {
    failure = found;
  });
  let isGone = false;
  void machine.qemu.exited.then(() => {
    isGone = true;
  });
  let since = { stage: 'start', at: performance.now() };
  for (;;) {
    await delay(pollMilliseconds, undefined, { signal }).catch(() => signal.throwIfAborted());
    watched.search();
    if (failure !== undefined) throw failure;
    const { phase, exitCode } = frames.story;
    const stage = phase === 'starting' || phase === 'coming_up' ? 'start' : phase;
    if (stage !== since.stage) since = { stage, at: performance.now() };
    const verdict = judgeGuestJob({
      phase,
      exitCode,
      seconds: (performance.now() - since.at) / 1000,
      limits,
      hasStopped: machine.monitor.hasStopped(),
      isGone,
      isFlood: watched.isFlood(),
      isStuck: stage === 'start' && patience.isOver(),
      panic: watched.signs.wordsOf('panic'),
      lastWords: endOf(watched.text('console')) || endOf(watched.text('firmware')),
    });
    if (verdict instanceof ColdpatchError) throw verdict;
    if (verdict !== undefined) return verdict;
  }
}

/** Reads the port to the end of the job; nobody reads what comes later. Never rejects: without a port there is no end. */
async function follow(machine: TestMachine, frames: JobFrames): Promise<Error | undefined> {
  let isTaking = false;
  try {
    for await (const frame of readFrames(machine.port, frameLimits)) {
      isTaking = true;
      frames.take(frame);
      isTaking = false;
      if (frames.story.phase === 'ended') break;
    }
    return undefined;
  } catch (error) {
    // The port broke: whether the machine is gone is seen elsewhere.
    if (!isTaking && !isColdpatchError(error)) return undefined;
    if (!isColdpatchError(error, 'appliance_failed')) return error as Error;
    return new ColdpatchError(
      'guest_protocol',
      'Expected the job in the started copy to keep to its protocol, but it did not, or said too much. The original is as it was.',
      { cause: error },
    );
  }
}

const shownLines = 8;
const shownCharacters = 1000;

function endOf(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a guest must not reach the terminal of whoever reads this.
  const plain = text.replaceAll(/\u001b\[[0-9;?=]*[A-Za-z]|[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, '');
  const lines = plain.split('\n').filter((line) => line.trim() !== '');
  return lines.slice(-shownLines).join('\n').slice(-shownCharacters);
}
