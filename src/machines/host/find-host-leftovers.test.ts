import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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

test('what other users could have made is a gap, and no lock is taken through it', async () => {
  const state = await openStateDirectory(image);
  makeWorkDirectory(state, 'run-1');
  const elsewhere = join(folder, 'nologin');
  symlinkSync(elsewhere, join(state.path, 'lock'));
  expect(await findHostLeftovers([folder], [])).toMatchObject({ images: [], gaps: [{ where: state.path }] });
  for (const directory of [state.work, state.path, dirname(state.path)]) {
    chmodSync(directory, 0o777);
    const { images, gaps } = await findHostLeftovers([folder], []);
    expect(images).toEqual([]);
    expect(gaps).toMatchObject([{ where: state.path, detail: expect.stringContaining(directory) as string }]);
    chmodSync(directory, 0o700);
  }
  expect(existsSync(elsewhere)).toBe(false);
});

test('a mount to which others can change the way leads nowhere', async () => {
  const others = join(folder, 'others');
  mkdirSync(join(others, 'images'), { recursive: true });
  chmodSync(others, 0o777);
  const state = await openStateDirectory(join(others, 'images/a.img'));
  const mount = { kind: 'mount', path: makeWorkDirectory(state, 'run-1'), image: state.imagePath } as const;
  const { images, gaps } = await findHostLeftovers([], [mount]);
  expect(images).toEqual([]);
  expect(gaps).toMatchObject([{ where: state.path, detail: expect.stringContaining(others) as string }]);
  expect(existsSync(join(state.path, 'lock'))).toBe(false);
});
