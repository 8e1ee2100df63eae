import type { BootProgram, MeasuredBoot } from '../../guest/measured-boot/types.ts';
import { laterLevel, type SbatLevel } from '../../guest/measured-boot/sbat-level.ts';
import type { SecureBootState } from '../../guest/measured-boot/secure-boot-state.ts';
import type { Gap } from '../../lib/gap.ts';
import { judgeProgram, type ProgramForecast } from './judge-program.ts';
import { type Likelihood, worst } from './types.ts';

/** Whether a disk still starts on a machine with these UEFI variables. */
export interface StartForecast {
  readonly isRefused: Likelihood;
  /** Date of the level of SBAT that it is held against; null when there is none. */
  readonly sbatLevel: string | null;
  readonly programs: readonly ProgramForecast[];
  readonly gaps: readonly Gap[];
}

/** Programs without which it does not start; the others are looked at, and do not decide. */
const decisive: readonly BootProgram['kind'][] = ['shim', 'grub', 'systemd-boot', 'uki'];

/**
 * Judges the programs of a disk, which must have been read with their identities.
 * @param present what the machine starts now: its shim may set a later level than the variables have yet.
 */
export function forecastStart(
  boot: MeasuredBoot,
  state: SecureBootState,
  present: MeasuredBoot,
): StartForecast {
  const level = levelInForce(state, present);
  const hasShim = boot.programs.some(({ kind }) => kind === 'shim');
  const programs = boot.programs.flatMap(({ identity, ...program }) =>
    identity
      ? [judgeProgram({ ...program, identity }, state, level, { shim: hasShim && program.kind !== 'shim' })]
      : [],
  );
  const gaps = boot.gaps;
  const unread = programs.length === 0 || gaps.length > 0 ? (['possibly'] as const) : [];
  return {
    isRefused: state.isEnforced
      ? worst([...decisive.map((kind) => ofKind(programs, kind)), ...unread])
      : 'no',
    sbatLevel: level === undefined ? null : level.date,
    programs,
    gaps,
  };
}

function levelInForce(state: SecureBootState, present: MeasuredBoot): SbatLevel | undefined {
  return present.programs.reduce((later, { level }) => laterLevel(later, level), state.level);
}

/** Copies that differ are no certain answer: which one the firmware starts is not looked up. */
function ofKind(programs: readonly ProgramForecast[], kind: BootProgram['kind']): Likelihood {
  const own = programs.filter((program) => program.kind === kind);
  const refused = own.filter(({ isRefused }) => isRefused).length;
  return refused === 0 ? 'no' : refused === own.length ? 'yes' : 'possibly';
}
