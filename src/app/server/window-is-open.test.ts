import { expect, test } from 'vitest';
import type { MaintenanceWindow } from '../../config/server-schema.ts';
import { windowIsOpen } from './window-is-open.ts';

// 2026-11-21 is a Saturday; Prague is at UTC+1 then, and at UTC+2 in summer.
const night: MaintenanceWindow = { days: ['sat'], from: '22:00', to: '04:00', timeZone: 'Europe/Prague' };
const noon: MaintenanceWindow = {
  days: ['sat', 'sun'],
  from: '12:00',
  to: '13:00',
  timeZone: 'Europe/Prague',
};

test.each([
  [night, '2026-11-21T20:59:00Z', false],
  [night, '2026-11-21T21:00:00Z', true],
  [night, '2026-11-22T02:59:00Z', true],
  [night, '2026-11-22T03:00:00Z', false],
  [night, '2026-11-21T02:00:00Z', false],
  [noon, '2026-11-21T11:30:00Z', true],
  [noon, '2026-07-04T10:30:00Z', true],
  [noon, '2026-07-04T11:30:00Z', false],
  [noon, '2026-11-20T11:30:00Z', false],
])('%o at %s: %s', (window, now, open) => {
  expect(windowIsOpen(window, new Date(now))).toBe(open);
});
