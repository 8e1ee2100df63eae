import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeWorkDirectory, openStateDirectory } from '../generations/state-directory.ts';
import { acquireRunLock } from '../run-lock.ts';
import { cleanLeftovers } from './clean-leftovers.ts';
import { findHostLeftovers } from './find-host-leftovers.ts';

let folder: string;
let image: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'leftovers-')));
  image = join(folder, 'a.img');
  writeFileSync(image, 'disk');
});
afterEach(() => rmSync(folder, { recursive: true }));

const holdNothing = (): never => {
  throw new Error('Expected no image to be taken back.');
};

test('a folder without images has none', async () => {
  expect(await findHostLeftovers([folder, '/nonexistent'], [])).toEqual({ images: [], inUse: [], gaps: [] });
});

test('an orderly state directory has none', async () => {
  await openStateDirectory(image);
  expect(await findHostLeftovers([folder], [])).toEqual({ images: [], inUse: [], gaps: [] });
});

test('the copies of a killed run are found, cleaned, and gone', async () => {
  const state = await openStateDirectory(image);
  const work = makeWorkDirectory(state, 'run-1');
  writeFileSync(join(work, 'copy'), 'half');
  const found = await findHostLeftovers([folder, `${folder}/`], []);
  expect(found).toMatchObject({ inUse: [], gaps: [] });
  expect(found.images).toEqual([{ state, files: [{ kind: 'work', path: work }], attachments: [] }]);
  expect(existsSync(work)).toBe(true);
  const [left] = found.images;
  if (!left) throw new Error('unreachable');
  expect(await cleanLeftovers(left, holdNothing)).toEqual({ image, detached: [], removed: [work] });
  expect(existsSync(work)).toBe(false);
  expect((await findHostLeftovers([folder], [])).images).toEqual([]);
});

test('what a run is using is not left over, and is not cleaned', async () => {
  const state = await openStateDirectory(image);
  const work = makeWorkDirectory(state, 'run-1');
  const before = await findHostLeftovers([folder], []);
  const lock = await acquireRunLock(state.path);
  try {
    expect(await findHostLeftovers([folder], [])).toEqual({ images: [], inUse: [image], gaps: [] });
    const [left] = before.images;
    if (!left) throw new Error('unreachable');
    const cleaned = await cleanLeftovers(left, holdNothing);
    expect(cleaned.problem).toContain('only run of coldpatch');
    expect(existsSync(work)).toBe(true);
  } finally {
    await lock.release();
  }
});

test('a record that nobody understands is a problem of that image, not the end', async () => {
  const state = await openStateDirectory(image);
  writeFileSync(state.intent, '{');
  const [left] = (await findHostLeftovers([folder], [])).images;
  if (!left) throw new Error('unreachable');
  expect((await cleanLeftovers(left, holdNothing)).problem).toContain('could not understand it');
  expect(existsSync(state.intent)).toBe(true);
});

test('a loop device of a state directory that cannot be seen may be anybody’s', async () => {
  const stray = { kind: 'loop_device', path: '/dev/loop9', image: join(folder, 'gone/a.img') } as const;
  const { images, gaps } = await findHostLeftovers([], [stray]);
  expect(images).toEqual([]);
  expect(gaps).toMatchObject([{ where: join(folder, 'gone/.coldpatch/a.img'), reason: 'missing' }]);
});
