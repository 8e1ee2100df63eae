import { expect, test } from 'vitest';
import type { Forecast } from '../patch/forecast/types.ts';
import { printForecast } from './print-forecast.ts';

const nothing: Forecast = {
  registers: [{ register: 4, moves: 'no', because: [] }],
  keys: [],
  asksForRecoveryKey: 'no',
  gaps: [],
};

test('prints nothing when nothing moves and no key is bound', () =>
  expect(printForecast(nothing)).toEqual([]));

test('prints what moves, what opens no longer, and what is not known', () => {
  const forecast: Forecast = {
    registers: [
      { register: 4, moves: 'yes', because: ['a new shim'] },
      { register: 7, moves: 'possibly', because: ['a new shim', 'new keys'] },
      { register: 8, moves: 'no', because: [] },
    ],
    keys: [
      {
        volume: 'partition 2',
        kind: 'systemd-tpm2',
        bank: 'sha256',
        registers: [4, 7],
        mask: '0x90',
        signedRegisters: [],
        failsToOpen: 'yes',
        because: 'PCR 4 gets another value',
      },
    ],
    asksForRecoveryKey: 'yes',
    gaps: [{ where: 'partition 1', reason: 'limit', detail: 'too much\u001b[2J' }],
  };
  const text = printForecast(forecast).join('\n');
  expect(text).toContain('  4: a new shim\n  7 (possibly): a new shim; new keys\n');
  expect(text).not.toContain('  8');
  expect(text).toContain('it will ask for its recovery key');
  expect(text).toContain(
    'partition 2: systemd-tpm2 (sha256 4, 7, mask 0x90) will not open it: PCR 4 gets another value',
  );
  expect(text).toContain('partition 1: too much');
  expect(text).not.toContain('\u001b');
});
