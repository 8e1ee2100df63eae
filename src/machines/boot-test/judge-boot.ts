import type { ConsoleSigns } from './console-signs.ts';
import type { InsideAnswer } from './read-inside-report.ts';
import type { BootVerdict } from './types.ts';

/** Why nobody looks at a machine any longer. */
export type BootEnd = 'settled' | 'time_limit' | 'switched_off' | 'ended' | 'flood';

/** All that was seen of one start. */
export interface BootObservation {
  readonly signs: Pick<ConsoleSigns, 'has' | 'wordsOf'>;
  readonly inside: InsideAnswer;
  /** Why no job was put into the clone; undefined when one was. */
  readonly notAsked?: string | undefined;
  readonly end: BootEnd;
  readonly timeLimitSeconds: number;
}

export interface Judgement {
  readonly verdict: BootVerdict;
  readonly detail: string;
}

/** Says how far a machine came, by the last thing that was reached. */
export function judgeBoot(observation: BootObservation): Judgement {
  const { signs, inside, notAsked } = observation;
  const judged = (verdict: BootVerdict, detail: string): Judgement => ({ verdict, detail });
  if (signs.has('panic')) return judged('kernel_panic', signs.wordsOf('panic') ?? '');
  if (inside.answer === 'report') return judgeInside(inside.report, judged);
  if (signs.has('emergency')) return judged('emergency_mode', signs.wordsOf('emergency') ?? '');
  const ended = describeEnd(observation);
  if (signs.has('login')) {
    if (notAsked !== undefined)
      return judged('healthy', `it asks for a login; what fails inside was not asked: ${notAsked}`);
    const said = inside.answer === 'unusable' ? inside.detail : 'nothing was heard from inside';
    return judged('silent', `it asks for a login, but ${said}; ${ended}`);
  }
  if (signs.has('kernel')) return judged('no_login', `a kernel ran, but the machine was not up: ${ended}`);
  if (signs.has('boot_loader')) {
    const words = signs.wordsOf('boot_loader_stuck');
    return judged(
      'no_kernel',
      words === undefined
        ? `something was started, but no kernel showed itself on the serial line: ${ended}`
        : `the boot loader says: ${words}`,
    );
  }
  if (signs.has('nothing_to_boot'))
    return judged('no_boot_loader', `the firmware says: ${signs.wordsOf('nothing_to_boot') ?? ''}`);
  return judged('no_boot_loader', `no boot loader showed itself: ${ended}`);
}

function judgeInside(
  { state, failedUnits, probes }: Extract<BootObservation['inside'], { readonly answer: 'report' }>['report'],
  judged: (verdict: BootVerdict, detail: string) => Judgement,
): Judgement {
  if (state === 'maintenance')
    return judged('emergency_mode', ['systemd is in emergency or rescue mode', ...failedUnits].join(', '));
  if (state !== 'running' && state !== 'degraded')
    return judged('no_login', `systemd says that the machine is ${JSON.stringify(state)}`);
  const failedProbes = probes.filter(({ ok }) => !ok).map(({ detail }) => detail);
  if (failedUnits.length > 0) return judged('units_failed', [...failedUnits, ...failedProbes].join(', '));
  if (failedProbes.length > 0) return judged('probe_failed', failedProbes.join('; '));
  return judged('healthy', 'it is up, and no unit failed');
}

function describeEnd({ end, timeLimitSeconds }: BootObservation): string {
  const words: Readonly<Record<BootEnd, string>> = {
    time_limit: `after ${timeLimitSeconds} s it was ended`,
    switched_off: 'it switched itself off or started anew',
    ended: 'QEMU ended',
    flood: 'it flooded its console, and was ended',
    settled: 'it was ended',
  };
  return words[end];
}
