import { expect, test } from 'vitest';
import type { MaintenanceWindow } from '../../config/server-schema.ts';
import { serverSchema } from '../../config/server-schema.ts';
import { nextOpening } from './next-opening.ts';

// 2026-11-21 is a Saturday; Prague is at UTC+1 then, and at UTC+2 in summer.
const night: MaintenanceWindow = { cron: '0 22 * * sat', timeZone: 'Europe/Prague', minutes: 360 };
const noon: MaintenanceWindow = { cron: '0 12 * * sat,sun', timeZone: 'Europe/Prague', minutes: 60 };

test.each([
  ['before it opens', [night], '2026-11-21T20:59:59.900Z', '2026-11-21T21:00:00.000Z'],
  ['as it opens', [night], '2026-11-21T21:00:00.000Z', 'now'],
  ['after midnight', [night], '2026-11-22T02:59:59.900Z', 'now'],
  ['as it ends', [night], '2026-11-22T03:00:00.000Z', '2026-11-28T21:00:00.000Z'],
  ['the night before', [night], '2026-11-21T02:00:00.000Z', '2026-11-21T21:00:00.000Z'],
  ['in winter', [noon], '2026-11-21T11:30:00.000Z', 'now'],
  ['in summer', [noon], '2026-07-04T10:30:00.000Z', 'now'],
  ['in summer, an hour later', [noon], '2026-07-04T11:30:00.000Z', '2026-07-05T10:00:00.000Z'],
  ['of two, the one that is open', [night, noon], '2026-11-21T11:30:00.000Z', 'now'],
  ['of two, the one that comes first', [night, noon], '2026-11-20T00:00:00.000Z', '2026-11-21T11:00:00.000Z'],
  ['without any', [], '2026-11-20T00:00:00.000Z', 'now'],
  // Clocks go back at 03:00 on 2026-10-25: 6 hours from 22:00 end at 03:00 of the new time.
  ['when clocks go back', [night], '2026-10-25T01:59:59.000Z', 'now'],
  ['after clocks went back', [night], '2026-10-25T02:00:00.000Z', '2026-10-31T21:00:00.000Z'],
] as const)('%s', (_, windows, now, expected) => {
  expect(nextOpening(windows, new Date(now)).toISOString()).toBe(expected === 'now' ? now : expected);
});

test.each([
  { cron: '0 22 * *', timeZone: 'UTC', minutes: 1 },
  { cron: '0 0 22 * * sat', timeZone: 'UTC', minutes: 1 },
  { cron: '0 0 31 2 *', timeZone: 'UTC', minutes: 1 },
  { cron: '@daily', timeZone: 'Mars/Base', minutes: 1 },
  { cron: '0 22 * * *', timeZone: 'UTC', minutes: 0 },
])('%o is no window', (window) => {
  expect(serverSchema.safeParse({ sources: [], windows: [window] }).success).toBe(false);
});
