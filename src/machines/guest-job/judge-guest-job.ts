import { ColdpatchError } from '../../lib/errors.ts';

/** How far a job came that a started machine does by itself, as the inside says. */
export type JobPhase =
  /** Nothing was heard from inside. */
  | 'starting'
  /** The job waits until the system is up. */
  | 'coming_up'
  | 'working'
  /** It said that it has ended. */
  | 'ended';

/** How long a machine may take, in seconds. */
export interface JobLimits {
  /** From its start until its system is up. */
  readonly up: number;
  /** For the job. */
  readonly job: number;
  /** From the end of the job until it has switched itself off. */
  readonly off: number;
}

export interface JobObservation {
  readonly phase: JobPhase;
  /** Seconds in this phase; `starting` and `coming_up` count as one. */
  readonly seconds: number;
  readonly limits: JobLimits;
  /** What the job claims; undefined before it has ended. */
  readonly exitCode: number | undefined;
  /** The machine has switched itself off, or started anew. */
  readonly hasStopped: boolean;
  /** QEMU itself has ended. */
  readonly isGone: boolean;
  /** It floods its console. */
  readonly isFlood: boolean;
  /** Nothing more is to be expected of its start. */
  readonly isStuck: boolean;
  /** What its console says of a kernel that gave up. */
  readonly panic: string | undefined;
  /** The end of its console, for people. */
  readonly lastWords: string;
}

/** Undefined while it goes on; an exit code at the end; or why it has failed. */
export function judgeGuestJob(observation: JobObservation): number | ColdpatchError | undefined {
  const { phase, seconds, limits, exitCode, hasStopped, isGone, isFlood, isStuck, panic } = observation;
  if (isFlood) return fail('guest_protocol', 'the started copy to say little, but it floods its console', '');
  const isOff = hasStopped || isGone;
  if (phase === 'ended') {
    if (exitCode !== 0) return exitCode;
    if (hasStopped) return 0;
    if (isGone) return early(observation, 'its machine was ended before it had switched itself off');
    if (seconds <= limits.off) return undefined;
    return late(observation, `switched off within ${limits.off} s after its upgrade`);
  }
  if (phase === 'working') {
    if (panic !== undefined) return early(observation, `its kernel gave up (${panic})`);
    if (isOff) return early(observation, 'it switched itself off, or started anew');
    if (seconds <= limits.job) return undefined;
    return late(observation, `done with its upgrade within ${limits.job} s`);
  }
  if (isOff) return notUp(observation, 'it switched itself off, or started anew');
  if (panic !== undefined) return notUp(observation, `its kernel gave up (${panic})`);
  if (isStuck) return notUp(observation, 'its start went no further');
  if (seconds <= limits.up) return undefined;
  return notUp(observation, `it was not up within ${limits.up} s`);
}

/** What a system says that came up, whatever failed on the way; of `systemctl is-system-running`. */
export function isUp(state: string): boolean {
  return state === 'running' || state === 'degraded';
}

function notUp({ phase, lastWords }: JobObservation, found: string): ColdpatchError {
  const heard = phase === 'starting' ? ' The job inside was not heard.' : '';
  return fail('guest_not_started', `the copy to come up, but ${found}.${heard}`, lastWords);
}

function early({ lastWords }: JobObservation, found: string): ColdpatchError {
  return fail('guest_ended_early', `the copy to upgrade itself, but ${found} in the middle`, lastWords);
}

function late({ lastWords }: JobObservation, expected: string): ColdpatchError {
  return fail('guest_timeout', `the copy to be ${expected}, but it was not, and was ended`, lastWords);
}

function fail(
  code: 'guest_protocol' | 'guest_not_started' | 'guest_ended_early' | 'guest_timeout',
  what: string,
  lastWords: string,
): ColdpatchError {
  const words = lastWords === '' ? '' : ` Last words of its console:\n${lastWords}`;
  return new ColdpatchError(code, `Expected ${what.replace(/\.$/, '')}. The original is as it was.${words}`);
}
