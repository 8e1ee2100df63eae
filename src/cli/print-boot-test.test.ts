import { expect, test } from 'vitest';
import { describeBoots } from './print-boot-test.ts';

test('words of a guest reach no terminal as they are', () => {
  const text = describeBoots({
    outcome: 'failed',
    detail: 'it said \u001b[2J.',
    accelerator: 'tcg',
    firmware: 'bios',
    boots: [
      {
        label: 'image',
        verdict: 'no_login',
        detail: '\u001b]0;x\u0007',
        seconds: 1.25,
        notAsked: null,
        failedUnits: [],
        failedProbes: [],
        evidence: [],
      },
    ],
    evidence: '/images/.coldpatch/a/boot-test',
  }).join('\n');
  expect(text).toContain('Boot test: FAILED; it said \\x1b[2J.\n');
  expect(text).not.toContain('\u001b');
  expect(text).toContain('no_login');
});
