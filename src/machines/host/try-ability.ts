import { isColdpatchError } from '../../lib/errors.ts';
import type { HostCheck } from './types.ts';

export interface Ability {
  readonly check: string;
  readonly required: boolean;
  readonly remedy: string;
  /** What it means when it works. */
  readonly detail: string;
  /** Throws one of our errors when this host cannot do it. */
  readonly work: () => Promise<unknown>;
}

/** Tries something, because that it should work is no proof. Only errors of the catalogue mean "it cannot". */
export async function tryAbility({ work, ...ability }: Ability): Promise<HostCheck> {
  const { check, required, remedy, detail } = ability;
  try {
    await work();
    return { check, required, ok: true, detail };
  } catch (error) {
    if (!isColdpatchError(error)) throw error;
    return { check, required, ok: false, detail: error.message, remedy };
  }
}

/** Stands for what only root can try: it is not known, so it does not count against the host. */
export function untried(check: string): HostCheck {
  return {
    check,
    required: false,
    ok: false,
    detail: 'not tried: it needs root',
    remedy: 'run the command with sudo',
  };
}
