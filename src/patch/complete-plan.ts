import { readMeasuredBoot } from '../guest/measured-boot/read-measured-boot.ts';
import type { Gap } from '../lib/gap.ts';
import type { ExaminedImage } from './examine-image.ts';
import type { ImageUpgradeOptions } from './find-image-upgrades.ts';
import { bootChanges } from './forecast/boot-changes.ts';
import { makeForecast } from './forecast/make-forecast.ts';
import type { Plan } from './plan.ts';
import type { PlannedUpgrade } from './plan-upgrade.ts';
import { needsRunningSystem } from './running-system/needs-running-system.ts';

/** Adds what people want to know before an upgrade, and what carrying it out does not ask for. */
export async function completePlan(
  { tree, opened }: ExaminedImage,
  { plan, upgrades }: PlannedUpgrade,
  { sources, signal }: Pick<ImageUpgradeOptions, 'sources' | 'signal'>,
): Promise<Plan> {
  const gaps: Gap[] = [];
  const changes = bootChanges(plan.changes, tree, gaps);
  const forecast = makeForecast(readMeasuredBoot(opened, { withIdentity: false }), changes, gaps);
  const needs = await needsRunningSystem(upgrades.changes, {
    tree,
    cacheDirectory: sources.cacheDirectory,
    signal,
  });
  return { ...plan, needsRunningSystem: needs, forecast };
}
