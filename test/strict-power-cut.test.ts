import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cutRecovery, cutStory, killAt, riskyMoments } from './support/power-cut/cut-strictly.ts';
import { run } from './support/power-cut/logged-disk.ts';
import { isIn, openStrictTrial, runningStory, type StrictTrial } from './support/power-cut/strict-trial.ts';
import type { TracedOperation } from './support/power-cut/traced-operations.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'strict-power-cut-')));
const disk = join(folder, 'disk');
const kills = 8;
let trial: StrictTrial;

beforeAll(async () => {
  mkdirSync(disk);
  run('mount', '-t', 'tmpfs', '-o', 'mode=700', 'tmpfs', disk);
  trial = await openStrictTrial(disk);
});
afterAll(() => {
  run('umount', '--recursive', disk);
  rmSync(folder, { recursive: true });
});

test('with nothing on the disk but what was synced, a machine is as before a change or after it', async () => {
  const { points, wrong } = await cutStory(trial, { mixtures: 'lost', enough: 5 });
  expect(wrong).toEqual([]);
  expect(points).toBeGreaterThan(800);
});

test('a power cut during the recovery from a kill takes nothing away either', async () => {
  const risky = riskyMoments(trial);
  for (let count = 0; count < kills; count += 1) {
    const moment = risky[Math.floor(((count + 0.5) * risky.length) / kills)];
    if (!moment) throw new Error('Expected moments.');
    const { wrong } = await cutRecovery(trial, await killAt(trial, moment), { mixtures: 'lost', enough: 5 });
    expect(wrong).toEqual([]);
  }
});

test('a power cut may reach each of four filesystems at another moment while a machine is rolled back', async () => {
  const isRollBack = isIn(trial, 'roll back');
  const { points, wrong } = await cutStory(trial, {
    mixtures: 'filesystems',
    enough: 5,
    isChosen: (moment) => moment.index % 4 === 0 && isRollBack(moment),
  });
  expect(wrong).toEqual([]);
  expect(points).toBeGreaterThan(200);
});

test('nothing is lost of a machine that is taken while it runs', async () => {
  const folderOfStory = join(disk, 'running');
  mkdirSync(folderOfStory);
  const running = await openStrictTrial(folderOfStory, undefined, runningStory);
  const { points, wrong } = await cutStory(running, { mixtures: 'lost', enough: 5 });
  expect(wrong).toEqual([]);
  expect(points).toBeGreaterThan(100);
});

test.each([
  ['the intents', /\/intent\.json|\.intent\.json/],
  ['the manifests', /\.manifest\.dsse\.json/],
  ['the log', /generations\.log$/],
  ['the key', /\.service-key\.pem/],
  ['the directories of generations', /\/machines\/web\/generations$/],
  ['the copies of disks', /\/disk0$/],
  ['the directory of a disk', /\/images$/],
  ['the directory of an image that is no disk', /\/golden$/],
])('that %s are not synced is noticed', async (_, path) => {
  const isDropped = (operation: TracedOperation): boolean =>
    operation.kind === 'sync' && path.test(operation.path);
  const { wrong } = await cutStory(trial, { mixtures: 'lost', enough: 1, isDropped });
  expect(wrong).not.toEqual([]);
});
