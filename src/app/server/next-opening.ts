import { Cron } from 'croner';
import type { MaintenanceWindow } from '../../config/server-schema.ts';

/**
 * When an upgrade may begin: `now` within one of the windows, or when there are none; else the beginning of the next.
 * A window lasts so many minutes that pass, also over a change of the clock.
 */
export function nextOpening(windows: readonly MaintenanceWindow[], now: Date): Date {
  if (windows.length === 0) return now;
  const openings = windows.map(({ cron, timeZone, minutes }) => {
    const schedule = new Cron(cron, { timezone: timeZone, paused: true, mode: '5-part' });
    const earliest = new Date(now.getTime() - minutes * 60_000);
    return schedule.nextRun(earliest)?.getTime() ?? Number.POSITIVE_INFINITY;
  });
  return new Date(Math.max(now.getTime(), Math.min(...openings, farAway(now))));
}

/** A schedule that never comes again is asked again in a year. */
function farAway(now: Date): number {
  return now.getTime() + 366 * 86_400_000;
}
