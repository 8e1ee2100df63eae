import type { MeasuredBoot } from '../../guest/measured-boot/types.ts';
import type { Gap } from '../../lib/gap.ts';
import type { BootChange } from './boot-changes.ts';
import { judgeKey } from './judge-key.ts';
import { registersMoved } from './registers-moved.ts';
import { startChainOf } from './start-chain.ts';
import { type Forecast, type KeyForecast, type Likelihood, type RegisterForecast, worst } from './types.ts';

/** Those in which a patch shows; the others that firmware fills belong to itself. */
const usualRegisters = [4, 7, 8, 9, 11];
/** What opens a volume without a person. */
const unattended = /^(?:systemd-tpm2|clevis (?:tpm2|tang))$/;

/** What these changes do to a machine that starts in this way. @param gaps what was not read of the changes. */
export function makeForecast(
  boot: MeasuredBoot,
  changes: readonly BootChange[],
  gaps: readonly Gap[] = [],
): Forecast {
  const chain = startChainOf(boot);
  const moves = changes.flatMap((change) => registersMoved(change, chain));
  const bound = boot.keys.flatMap(({ binding }) => [...binding.registers, ...binding.signedRegisters]);
  const all = [...new Set([...usualRegisters, ...bound, ...moves.map(({ register }) => register)])];
  const registers = all
    .toSorted((a, b) => a - b)
    .map((register): RegisterForecast => {
      const own = moves.filter((move) => move.register === register);
      const likelihood = worst(own.map((move) => move.likelihood));
      return { register, moves: likelihood, because: [...new Set(own.map(({ because }) => because))] };
    });
  const keys = boot.keys.map((key) => judgeKey(key, registers));
  const unread = changes.length > 0 && boot.unreadKeys.length > 0 ? (['possibly'] as const) : [];
  const volumes = Map.groupBy(keys, ({ volume }) => volume).values();
  return {
    registers,
    keys,
    asksForRecoveryKey: worst([...[...volumes].map(volumeAsks), ...unread]),
    gaps: [...boot.gaps, ...gaps],
  };
}

/** A volume is asked for when everything that opens it alone fails; of a shared secret it is not known how much that is. */
function volumeAsks(keys: readonly KeyForecast[]): Likelihood {
  const answers = keys.filter(({ kind }) => unattended.test(kind)).map(({ failsToOpen }) => failsToOpen);
  if (answers.length === 0) return 'no';
  if (keys.some(({ kind }) => kind === 'clevis sss')) return worst(answers) === 'no' ? 'no' : 'possibly';
  return answers.includes('no') ? 'no' : answers.includes('possibly') ? 'possibly' : 'yes';
}
