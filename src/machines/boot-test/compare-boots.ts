import type { Boot, BootTestResult } from './types.ts';

type Outcome = Pick<BootTestResult, 'outcome' | 'detail'>;

/** Starts one of the two once more. */
export type StartAgain = (label: 'patched-1' | 'unpatched' | 'patched-2') => Promise<Boot>;

/**
 * Starts the upgraded copy and, only when that is not well, the image as it was, and the copy again.
 *
 * A copy has failed when the image as it was does better under the same conditions, and the copy fails twice:
 * emulation lets newer kernels fail at random.
 */
export async function compareBoots(
  start: StartAgain,
): Promise<Outcome & { readonly boots: readonly Boot[] }> {
  const first = await start('patched-1');
  if (first.verdict === 'healthy') return { outcome: 'passed', detail: first.detail, boots: [first] };
  const unpatched = await start('unpatched');
  if (!isUp(unpatched)) {
    return {
      outcome: 'not_told',
      detail:
        `the image as it was does not start here either (${unpatched.verdict}: ${unpatched.detail}), ` +
        `so it is not known whether the upgrade is why the copy does not (${first.verdict}: ${first.detail})`,
      boots: [first, unpatched],
    };
  }
  const once = judgeAgainst(first, unpatched);
  if (once.outcome === 'passed') return { ...once, boots: [first, unpatched] };
  const second = await start('patched-2');
  return { ...judgeAgainst(second, unpatched), boots: [first, unpatched, second] };
}

function isUp({ verdict }: Boot): boolean {
  return verdict === 'healthy' || verdict === 'units_failed' || verdict === 'probe_failed';
}

function judgeAgainst(patched: Boot, unpatched: Boot): Outcome {
  if (patched.verdict === 'healthy') return { outcome: 'passed', detail: patched.detail };
  if (!isUp(patched))
    return { outcome: 'failed', detail: `${patched.verdict}: ${patched.detail}; the image as it was starts` };
  const units = without(patched.failedUnits, unpatched.failedUnits);
  const probes = without(patched.failedProbes, unpatched.failedProbes);
  const news = [...units, ...probes];
  if (news.length > 0) {
    return { outcome: 'failed', detail: `new since the upgrade: ${news.join(', ')}` };
  }
  return {
    outcome: 'passed',
    detail: `what fails failed before the upgrade too: ${[...patched.failedUnits, ...patched.failedProbes].join(', ')}`,
  };
}

function without(all: readonly string[], known: readonly string[]): readonly string[] {
  return all.filter((one) => !known.includes(one));
}
