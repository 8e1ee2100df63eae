import { expect, test } from 'vitest';
import { ColdpatchError } from '../../lib/errors.ts';
import { type JobObservation, judgeGuestJob } from './judge-guest-job.ts';

const quiet: JobObservation = {
  phase: 'starting',
  seconds: 1,
  limits: { up: 100, job: 1000, off: 10 },
  exitCode: undefined,
  hasStopped: false,
  isGone: false,
  isFlood: false,
  isStuck: false,
  panic: undefined,
  lastWords: '',
};

function verdictOf(observation: Partial<JobObservation>): number | string | undefined {
  const verdict = judgeGuestJob({ ...quiet, ...observation });
  return verdict instanceof ColdpatchError ? verdict.code : verdict;
}

test.each([
  [{ seconds: 100 }],
  [{ phase: 'coming_up', seconds: 100 }],
  [{ phase: 'working', seconds: 1000 }],
  [{ phase: 'working', isStuck: true }],
  [{ phase: 'ended', exitCode: 0, seconds: 10 }],
] as const)('%j goes on', (observation) => expect(verdictOf(observation)).toBeUndefined());

test.each([
  [{ seconds: 101 }, 'guest_not_started'],
  [{ phase: 'coming_up', seconds: 101 }, 'guest_not_started'],
  [{ hasStopped: true }, 'guest_not_started'],
  [{ isGone: true }, 'guest_not_started'],
  [{ isStuck: true }, 'guest_not_started'],
  [{ panic: 'Kernel panic - not syncing' }, 'guest_not_started'],
  [{ phase: 'working', seconds: 1001 }, 'guest_timeout'],
  [{ phase: 'working', hasStopped: true }, 'guest_ended_early'],
  [{ phase: 'working', isGone: true }, 'guest_ended_early'],
  [{ phase: 'working', panic: 'Kernel panic' }, 'guest_ended_early'],
  [{ phase: 'ended', exitCode: 0, seconds: 11 }, 'guest_timeout'],
  [{ phase: 'ended', exitCode: 0, isGone: true }, 'guest_ended_early'],
  [{ phase: 'ended', exitCode: 0, hasStopped: true, isFlood: true }, 'guest_protocol'],
  [{ isFlood: true }, 'guest_protocol'],
] as const)('%j has failed: %s', (observation, code) => expect(verdictOf(observation)).toBe(code));

test.each([
  [{ phase: 'ended', exitCode: 0, hasStopped: true }, 0],
  [{ phase: 'ended', exitCode: 73 }, 73],
] as const)('%j is done: %s', (observation, exitCode) => expect(verdictOf(observation)).toBe(exitCode));

test('what the console said last is in the message', () => {
  const error = judgeGuestJob({ ...quiet, isStuck: true, lastWords: 'grub rescue>' });
  expect(String(error)).toContain('Last words of its console:\ngrub rescue>');
});
