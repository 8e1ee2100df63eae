import { expect, test } from 'vitest';
import { compareBoots } from './compare-boots.ts';
import type { Boot, BootLabel } from './types.ts';

const labels: readonly BootLabel[] = ['patched-1', 'unpatched', 'patched-2'];

/** What each start shows, in the order in which starts are asked for. */
async function compare(...boots: readonly Partial<Boot>[]) {
  const asked: BootLabel[] = [];
  const result = await compareBoots((label) => {
    const seen = boots[asked.length];
    asked.push(label);
    if (!seen) throw new Error(`Expected no start of ${label}.`);
    return Promise.resolve({
      label,
      verdict: 'healthy',
      detail: '',
      seconds: 1,
      notAsked: null,
      failedUnits: [],
      failedProbes: [],
      evidence: [],
      ...seen,
    });
  });
  expect(asked).toEqual(labels.slice(0, boots.length));
  expect(result.boots.map(({ label }) => label)).toEqual(asked);
  return result.outcome;
}

const panic = { verdict: 'kernel_panic' } as const;
const units = (...failedUnits: readonly string[]) => ({ verdict: 'units_failed', failedUnits }) as const;
const probes = (...failedProbes: readonly string[]) => ({ verdict: 'probe_failed', failedProbes }) as const;

test('a copy that is well is started once', async () => expect(await compare({})).toBe('passed'));

test('a copy fails when it fails twice, and the image as it was starts', async () =>
  expect(await compare(panic, {}, panic)).toBe('failed'));

test('a copy that starts the second time has passed', async () =>
  expect(await compare(panic, {}, {})).toBe('passed'));

test('nothing is told when the image as it was does not start either', async () => {
  expect(await compare(panic, panic)).toBe('not_told');
  expect(await compare({ verdict: 'silent' }, { verdict: 'silent' })).toBe('not_told');
});

test('only units and probes that did not fail before count', async () => {
  expect(await compare(units('a'), units('a', 'b'))).toBe('passed');
  expect(await compare(units('a', 'c'), units('a'), units('c'))).toBe('failed');
  expect(await compare(units('c'), {}, units('c'))).toBe('failed');
  expect(await compare(probes('tcp:80'), probes('tcp:80'))).toBe('passed');
  expect(await compare(probes('tcp:80'), {}, probes('tcp:80'))).toBe('failed');
});

test('a copy that does not start fails where a unit of the image failed', async () =>
  expect(await compare(panic, units('a'), { verdict: 'no_login' })).toBe('failed'));
