import { setTimeout as delay } from 'node:timers/promises';
import { createBootPatience } from './boot-patience.ts';
import { createBoundedLog } from './bounded-log.ts';
import { type ConsoleSign, createConsoleSigns } from './console-signs.ts';
import type { BootEnd, BootObservation } from './judge-boot.ts';
import { type InsideAnswer, readInsideReport } from './read-inside-report.ts';
import type { TestMachine } from './start-test-machine.ts';
import type { Probe } from './types.ts';

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
/** Of console and firmware together; a start that is well writes some hundred KiB. */
const floodBytes = 32 * 1024 * 1024;
const pollMilliseconds = 200;
/** Between two polls; what is more is not searched for signs. */
const searchedBytes = 256 * 1024;

/**
 * Watches a machine until it is known how it started. What it says is only read: nobody types anything.
 *
 * @throws what `signal` was aborted with.
 */
export async function watchBoot(machine: TestMachine, options: WatchOptions): Promise<WatchedBoot> {
  const { signal, timeLimitSeconds, notAsked, probes } = options;
  const signs = createConsoleSigns();
  const firmwareSigns = createConsoleSigns();
  const logs = { console: createBoundedLog(keptBytes), firmware: createBoundedLog(keptBytes) };
  const unread = { console: '', firmware: '' };
  for (const name of ['console', 'firmware'] as const) {
    machine[name].on('error', () => undefined);
    machine[name].on('data', (chunk: Buffer) => {
      logs[name].add(chunk);
      if (unread[name].length < searchedBytes) unread[name] += chunk.toString('utf8');
      // The guest waits until somebody listens again, which nobody will.
      if (isFlood(logs)) machine[name].pause();
    });
  }
  let inside: InsideAnswer = { answer: 'nothing' };
  machine.port.on('error', () => undefined);
  const reading = readInsideReport(machine.port, probes).then((answer) => {
    inside = answer;
  });
  let ended = false;
  void machine.qemu.exited.then(() => {
    ended = true;
  });
  const both = {
    has: (sign: ConsoleSign) => signs.has(sign) || firmwareSigns.has(sign),
    wordsOf: (sign: ConsoleSign) => signs.wordsOf(sign) ?? firmwareSigns.wordsOf(sign),
  };
  const patience = createBootPatience(both, notAsked === undefined);
  const deadline = performance.now() + timeLimitSeconds * 1000;
  const endOf = (): BootEnd | undefined => {
    if (inside.answer === 'report' || patience.isOver()) return 'settled';
    if (ended) return 'ended';
    if (machine.monitor.hasStopped()) return 'switched_off';
    if (isFlood(logs)) return 'flood';
    return performance.now() > deadline ? 'time_limit' : undefined;
  };
  const search = (): void => {
    signs.add(unread.console);
    firmwareSigns.add(unread.firmware);
    unread.console = '';
    unread.firmware = '';
  };
  let end: BootEnd | undefined;
  while (end === undefined) {
    await delay(pollMilliseconds, undefined, { signal }).catch(() => signal.throwIfAborted());
    search();
    end = endOf();
  }
  // What it said last may still be on its way.
  await delay(pollMilliseconds);
  search();
  if (inside.answer !== 'nothing') await reading;
  return {
    signs: both,
    inside,
    end,
    notAsked,
    timeLimitSeconds,
    console: logs.console.text(),
    firmware: logs.firmware.text(),
  };
}

function isFlood(logs: Readonly<Record<'console' | 'firmware', { readonly total: number }>>): boolean {
  return logs.console.total + logs.firmware.total > floodBytes;
}
