import { defineConfig } from 'vitest/config';

const minute = 60_000;

/** `small`: beside the source, no root, no seconds. `medium`: real images and programs, as root, one file at a time. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'small',
          include: ['src/**/*.test.ts', 'tools/**/*.test.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'medium',
          include: ['test/**/*.test.ts'],
          setupFiles: ['test/support/fail-on-leaks.ts'],
          fileParallelism: false,
          testTimeout: 20 * minute,
          hookTimeout: 20 * minute,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
