import { setTimeout as delay } from 'node:timers/promises';
import { createBootPatience } from './boot-patience.ts';
import type { BootEnd, BootObservation } from './judge-boot.ts';
import { type InsideAnswer, readInsideReport } from './read-inside-report.ts';
import type { TestMachine } from './start-test-machine.ts';
import type { Probe } from './types.ts';
import { watchConsoles } from './watch-consoles.ts';

export interface WatchOptions {
  readonly probes: readonly Probe[];
  /** See `BootObservation`. */
  readonly notAsked?: string | undefined;
  readonly timeLimitSeconds: number;
  readonly signal: AbortSignal;
}

export interface WatchedBoot extends BootObservation {
  readonly console: string;
  readonly firmware: string;
}

const keptBytes = 512 * 1024;
const pollMilliseconds = 200;

/**
 * Watches a machine until it is known how it started. What it says is only read: nobody types anything.
 *
 * @throws what `signal` was aborted with.
 */
export async function watchBoot(machine: TestMachine, options: WatchOptions): Promise<WatchedBoot> {
  const { signal, timeLimitSeconds, notAsked, probes } = options;
  const consoles = watchConsoles(machine, keptBytes);
  let inside: InsideAnswer = { answer: 'nothing' };
  machine.port.on('error', () => undefined);
  const reading = readInsideReport(machine.port, probes).then((answer) => {
    inside = answer;
  });
  let ended = false;
  void machine.qemu.exited.then(() => {
    ended = true;
  });
  const patience = createBootPatience(consoles.signs, notAsked === undefined);
  const deadline = performance.now() + timeLimitSeconds * 1000;
  const endOf = (): BootEnd | undefined => {
    if (inside.answer === 'report' || patience.isOver()) return 'settled';
    if (ended) return 'ended';
    if (machine.monitor.hasStopped()) return 'switched_off';
    if (consoles.isFlood()) return 'flood';
    return performance.now() > deadline ? 'time_limit' : undefined;
  };
  let end: BootEnd | undefined;
  while (end === undefined) {
    await delay(pollMilliseconds, undefined, { signal }).catch(() => signal.throwIfAborted());
    consoles.search();
    end = endOf();
  }
  // What it said last may still be on its way.
  await delay(pollMilliseconds);
  consoles.search();
  if (inside.answer !== 'nothing') await reading;
  return {
    signs: consoles.signs,
    inside,
    end,
    notAsked,
    timeLimitSeconds,
    console: consoles.text('console'),
    firmware: consoles.text('firmware'),
  };
}
