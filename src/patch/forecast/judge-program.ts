import type { BootProgram } from '../../guest/measured-boot/types.ts';
import type { SbatLevel } from '../../guest/measured-boot/sbat-level.ts';
import type { SecureBootState } from '../../guest/measured-boot/secure-boot-state.ts';
import { isSignedBy } from './signed-by.ts';

/** Whether a program may start on a machine, and why not. */
export interface ProgramForecast {
  readonly path: string;
  readonly volume: string;
  readonly kind: BootProgram['kind'];
  /** As signatures and dbx count it; 64 hexadecimal digits. */
  readonly sha256: string;
  /** `shim,4` and so on. */
  readonly sbat: readonly string[];
  readonly isRefused: boolean;
  /** What speaks against it; when it is not refused, only what would, were Secure Boot on. */
  readonly because: readonly string[];
}

/** How a program starts: by the firmware itself, or by shim. */
export interface StartedBy {
  readonly shim: boolean;
}

/**
 * Holds a program against db, dbx and the level of SBAT. Whether its signature is valid is not computed, but whom it
 * names and whether it covers this very program.
 * @param level the level in force when it starts.
 */
export function judgeProgram(
  program: BootProgram & Required<Pick<BootProgram, 'identity'>>,
  state: SecureBootState,
  level: SbatLevel | undefined,
  startedBy: StartedBy,
): ProgramForecast {
  const { path, volume, kind, sbat, identity } = program;
  const { digest, signatures } = identity;
  const problems = [
    ...forbiddenBy(digest, signatures, state),
    ...(kind === 'shim' || startedBy.shim ? revokedBy(program, level) : []),
    ...(startedBy.shim ? [] : notAllowedBy(digest, signatures, state)),
  ];
  const isChecked = state.isEnforced && (!startedBy.shim || state.shimValidates);
  return {
    path,
    volume,
    kind,
    sha256: digest,
    sbat: sbat.map(({ name, generation }) => `${name},${generation}`),
    isRefused: isChecked && problems.length > 0,
    because: problems,
  };
}

type Signatures = NonNullable<BootProgram['identity']>['signatures'];

function forbiddenBy(
  digest: string,
  signatures: Signatures,
  { forbidden }: SecureBootState,
): readonly string[] {
  const isListed = forbidden.some(
    ({ kind, data }) => kind === 'sha256' && Buffer.from(data).toString('hex') === digest,
  );
  const revoked = signatures.some(({ certificates }) => isSignedBy(certificates, forbidden));
  return [
    ...(isListed ? ['dbx forbids this very program'] : []),
    ...(revoked ? ['dbx forbids a certificate that it is signed with'] : []),
  ];
}

/** A second-stage program without SBAT is refused as soon as there is a level at all; a kernel is not. */
function revokedBy({ kind, sbat }: BootProgram, level: SbatLevel | undefined): readonly string[] {
  if (level === undefined) return [];
  if (sbat.length === 0) return kind === 'kernel' ? [] : ['it has no SBAT, which shim asks for'];
  return sbat.flatMap(({ name, generation }) => {
    const minimum = level.minimums.find((wanted) => wanted.name === name)?.generation ?? 0;
    if (generation >= minimum) return [];
    return [
      `SBAT asks for ${name} of generation ${minimum} at least (level ${level.date}), and it is ${generation}`,
    ];
  });
}

function notAllowedBy(
  digest: string,
  signatures: Signatures,
  { allowed }: SecureBootState,
): readonly string[] {
  const hex = Buffer.from(digest, 'hex');
  if (allowed.some(({ kind, data }) => kind === 'sha256' && hex.equals(data))) return [];
  if (signatures.length === 0) return ['it is not signed'];
  const covering = signatures.filter(({ content }) => Buffer.from(content).includes(hex));
  if (covering.length === 0) return ['its signatures are of another program'];
  const isKnown = covering.some(({ certificates }) => isSignedBy(certificates, allowed));
  return isKnown ? [] : ['no certificate in db issued one that it is signed with'];
}
