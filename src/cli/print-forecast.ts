import type { Forecast, Likelihood } from '../patch/forecast/types.ts';
import { section } from './section.ts';

const asks: Readonly<Record<Likelihood, string>> = {
  yes: 'it will ask for its recovery key: have it at hand, or bind the key anew afterwards',
  possibly: 'it may ask for its recovery key: have it at hand',
  no: 'it will not ask for a recovery key',
};

/** What measured boot makes of an upgrade, for people; nothing when nothing moves and no key is bound. */
export function printForecast({ registers, keys, asksForRecoveryKey, gaps }: Forecast): readonly string[] {
  const moving = registers.filter(({ moves }) => moves !== 'no');
  if (moving.length === 0 && keys.length === 0 && gaps.length === 0) return [];
  return [
    ...section(
      'Measured boot: registers (PCRs) that get other values',
      moving,
      ({ register, moves, because }) =>
        `${register}${moves === 'yes' ? '' : ' (possibly)'}: ${because.join('; ')}`,
    ),
    ...section(
      `Keys of encrypted volumes; when the machine is started again, ${asks[asksForRecoveryKey]}`,
      keys,
      ({ volume, kind, bank, registers: bound, mask, failsToOpen, because }) => {
        const pcrs = bound.length > 0 ? ` (${bank ?? 'PCR'} ${bound.join(', ')}, mask ${mask})` : '';
        return `${volume}: ${kind}${pcrs} ${verbs[failsToOpen]}: ${because}`;
      },
    ),
    ...section('Not known of measured boot', gaps, ({ where, detail }) => `${where}: ${detail}`),
  ];
}

const verbs: Readonly<Record<Likelihood, string>> = {
  yes: 'will not open it',
  possibly: 'may not open it',
  no: 'opens it',
};
