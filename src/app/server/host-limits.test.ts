import { expect, test } from 'vitest';
import { serverSchema } from '../../config/server-schema.ts';
import { hostLimits } from './host-limits.ts';

const settings = serverSchema.parse({
  sources: [],
  limits: {
    upgrades: 2,
    memoryMebibytes: 4096,
    ioMebibytesPerSecond: 100,
    hosts: { big: { upgrades: 4, memoryMebibytes: 65_536, scratchMebibytes: 1 } },
  },
});

test('what is said for a host wins, key by key', () => {
  expect(hostLimits(settings)).toEqual({
    runs: { collect: 1, inspect: 1, upgrade: 2, rollback: 1 },
    room: { memory: 4 * 1024 ** 3 },
    ioBytesPerUpgrade: 50 * 1024 ** 2,
  });
  expect(hostLimits(settings, 'small')).toEqual(hostLimits(settings));
  expect(hostLimits(settings, 'big')).toEqual({
    runs: { collect: 1, inspect: 1, upgrade: 4, rollback: 1 },
    room: { memory: 64 * 1024 ** 3, scratch: 1024 ** 2 },
    ioBytesPerUpgrade: 25 * 1024 ** 2,
  });
});

test('without limits there are none', () => {
  expect(hostLimits(serverSchema.parse({ sources: [] }))).toEqual({
    runs: { collect: 1, inspect: 1, upgrade: 1, rollback: 1 },
    room: {},
    ioBytesPerUpgrade: undefined,
  });
});
