import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { machineSchema } from './definitions/machine.ts';
import { writeManifest } from './generations/manifest.ts';
import { openStateDirectory } from './generations/state-directory.ts';
import { pruneDiskGenerations } from './prune-disk-generations.ts';

const day = (number: number): string => `2026-01-0${number}T00:00:00.000Z`;

function manifestOf(image: string, generation: number): string {
  return writeManifest({
    schema: 1,
    generation,
    reason: 'update',
    takenAt: day(generation),
    image,
    format: 'raw',
    disk: { file: 'disk', sha256: 'ab'.repeat(32), size: 4, allocated: 4096 },
    identity: { owner: 0, group: 0, mode: 0o600 },
  });
}

test('the newest that an update left beside a disk stays, and all that is older than the machine', async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'disk-generations-')));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'a.img');
  const { generations } = await openStateDirectory(path);
  for (const number of [1, 2, 3, 4, 5]) {
    const directory = join(generations, String(number));
    mkdirSync(directory);
    writeFileSync(join(directory, 'disk'), 'disk');
    writeFileSync(join(directory, 'manifest.json'), manifestOf(path, number));
  }
  const machine = machineSchema.parse({
    schema: 1,
    id: '00000000-0000-4000-8000-000000000000',
    name: 'web',
    addedAt: day(3),
    disks: [
      { path, format: 'raw' },
      { path: join(folder, 'never-updated.img'), format: 'raw' },
    ],
    vtpm: null,
    uefiVariables: null,
    domain: null,
  });
  await pruneDiskGenerations(machine);
  expect(readdirSync(generations)).toEqual(['1', '2', '5']);
  await pruneDiskGenerations(machine);
  expect(readdirSync(generations)).toEqual(['1', '2', '5']);
});
