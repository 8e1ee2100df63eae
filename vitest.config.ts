import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

const minute = 60_000;

/** Files of tests that look at the whole host, where other tests must not be at work. */
const alone = ['test/doctor.test.ts', 'test/leaks.test.ts'];

/** Files of tests that boot whole systems under emulation, upgrade images one after the other, or cut the power thousands of times: minutes each. */
const long = [
  'appliance-kernel',
  'appliance-kills',
  'appliance-lvm',
  'boot-engine',
  'boot-test',
  'host-limits',
  'journal-faults',
  'running-machines',
  'sealed-secret',
].map((name) => `test/${name}.test.ts`);

/** What a program does in a moment takes seconds where every processor is busy. */
const expectations = { poll: { timeout: minute / 2 } };

const medium = {
  expect: expectations,
  setupFiles: ['test/support/fail-on-leaks.ts'],
  testTimeout: 20 * minute,
  hookTimeout: 20 * minute,
};

/** `small`: beside the source, no root, no seconds. `medium`: real images and programs, as root, three files at a time, for each waits now and then. `long`: not by `npm test`. */
export default defineConfig({
  test: {
    globalSetup: 'test/support/folder-of-run.ts',
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'small',
          expect: expectations,
          // Unless told, Vitest keeps one processor free, which of two is half.
          maxWorkers: '100%',
          include: ['src/**/*.test.ts', 'tools/**/*.test.ts'],
          testTimeout: minute,
          hookTimeout: minute,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...medium,
          name: 'medium',
          include: ['test/**/*.test.ts'],
          exclude: [...alone, ...long],
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...medium,
          name: 'alone',
          include: alone,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...medium,
          name: 'long',
          include: long,
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
