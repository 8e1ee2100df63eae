import { expect, test } from 'vitest';
import { readOutcome } from './read-outcome.ts';

interface Said {
  readonly exitCode: number;
  readonly lines?: readonly string[];
  readonly results?: readonly string[];
}

function outcomeOf({ exitCode, lines = [], results = [] }: Said) {
  return readOutcome({ onProgress: () => undefined }, (onLine, onResult) => {
    lines.forEach(onLine);
    results.forEach(onResult);
    return Promise.resolve(exitCode);
  });
}

test('what the inside says of a success is kept as it was said', async () => {
  const results = [
    'initramfs-built 6.1.0',
    'initramfs-built 6.1.0',
    'menu written',
    'postponed x y',
    'rubbish',
  ];
  expect(await outcomeOf({ exitCode: 0, lines: ['Setting up app'], results })).toEqual({
    log: 'Setting up app',
    initramfsBuilt: ['6.1.0'],
    bootMenuWritten: true,
    postponed: ['x y'],
  });
});

test.each([
  ['a script', { exitCode: 73, lines: ['pmerror:app:50.0:it failed'] }, 'package_script_failed'],
  ['a full filesystem', { exitCode: 73, results: ['free 9999 4096', 'free 3 4096'] }, 'guest_space'],
  ['a mount', { exitCode: 71 }, 'engine_failed'],
  ['a made-up number of free blocks', { exitCode: 73, results: ['free -1 4096'] }, 'engine_failed'],
] as const)('%s that failed has its code', async (_, said, code) => {
  await expect(outcomeOf(said)).rejects.toMatchObject({ code });
});
