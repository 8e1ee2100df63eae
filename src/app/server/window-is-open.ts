import type { MaintenanceWindow } from '../../config/server-schema.ts';

const order = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** True within the window on the clock of its time zone. The part after midnight belongs to the day on which it began. */
export function windowIsOpen({ days, from, to, timeZone }: MaintenanceWindow, now: Date): boolean {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(now);
  const part = (type: string): string => parts.find((found) => found.type === type)?.value ?? '';
  const time = `${part('hour')}:${part('minute')}`;
  const today = order.findIndex((day) => day === part('weekday').toLowerCase());
  const isDay = (index: number): boolean => days.some((day) => day === order[(index + 7) % 7]);
  if (from < to) return isDay(today) && time >= from && time < to;
  return (isDay(today) && time >= from) || (isDay(today - 1) && time < to);
}
