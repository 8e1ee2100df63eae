import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { type BootTestWishes, parseProbe } from '../app/boot-test.ts';
import { ColdpatchError } from '../lib/errors.ts';

export interface BootTestOptions {
  readonly probe?: readonly string[];
  readonly timeLimit: number;
  readonly memory: number;
  readonly evidence?: string;
}

const mostProbes = 100;
const memoryLimits = { least: 64, most: 65_536 };

/** What the flags of a boot test ask for. @throws ColdpatchError `usage`. */
export function bootTestWishes({ probe = [], timeLimit, memory, evidence }: BootTestOptions): BootTestWishes {
  if (probe.length > mostProbes)
    throw new ColdpatchError('usage', `Expected at most ${mostProbes} probes, but found ${probe.length}.`);
  if (timeLimit < 1 || timeLimit > 86_400)
    throw new ColdpatchError('usage', `Expected --time-limit from 1 to 86400, but found ${timeLimit}.`);
  if (memory < memoryLimits.least || memory > memoryLimits.most) {
    throw new ColdpatchError(
      'usage',
      `Expected --memory from ${memoryLimits.least} to ${memoryLimits.most}, but found ${memory}.`,
    );
  }
  // Asked now, and not after an upgrade of half an hour.
  if (evidence !== undefined && existsSync(evidence) && readdirSync(evidence).length > 0)
    throw new ColdpatchError(
      'usage',
      `Expected an empty folder for the evidence, but ${evidence} holds something.`,
    );
  return {
    probes: probe.map(parseProbe),
    timeLimitSeconds: timeLimit,
    memoryMebibytes: memory,
    evidence: evidence === undefined ? undefined : resolve(evidence),
  };
}
