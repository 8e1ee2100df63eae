import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findLeftovers } from '../src/machines/generations/find-leftovers.ts';
import { type JournalStep, journalSteps } from '../src/machines/generations/journal-steps.ts';
import { listGenerations } from '../src/machines/generations/list-generations.ts';
import { stateDirectoryOf } from '../src/machines/generations/state-directory.ts';
import { type Change, foreignWrite, tidy, undo, update, writerAt } from './support/change-image.ts';

const program = fileURLToPath(new URL('support/change-image.ts', import.meta.url));
const nothing = (): void => undefined;
const first = Buffer.alloc(300_000, 'first');
const second = Buffer.alloc(400_000, 'second');

let folder: string;
let image: string;
let content: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'generations-')));
  mkdirSync(join(folder, 'images'));
  image = join(folder, 'images', 'web, "1".img');
  content = join(folder, 'content');
  writeFileSync(image, first, { mode: 0o640 });
  writeFileSync(content, second);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** In a process of its own; true when it came to its end, false when it killed itself. */
function carryOut(change: Omit<Change, 'image'>): boolean {
  const run = spawnSync(process.execPath, [program, JSON.stringify({ image, ...change })], {
    encoding: 'utf8',
  });
  if (run.signal === 'SIGKILL') return false;
  expect(run.stderr).toBe('');
  expect(run.status).toBe(0);
  return true;
}

/** Recovery, killed after each of its steps, until one comes to its end. */
function recoverWithKills(): void {
  for (let kills = 0; !carryOut({ action: 'recover', killAt: 'any' }); kills += 1) {
    expect(kills).toBeLessThan(20);
  }
}

interface Kept {
  readonly number: number;
  readonly reason: string;
  readonly bytes: Buffer;
}

async function kept(): Promise<readonly Kept[]> {
  return (await listGenerations(image)).map((generation) => {
    if (generation.answer === 'altered') throw new Error(generation.detail);
    const { number, reason, diskPath } = generation;
    return { number, reason, bytes: readFileSync(diskPath) };
  });
}

function written(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.write(foreignWrite.bytes, foreignWrite.position);
  return copy;
}

/** Nothing but the image, its generations, and what every state directory has. */
async function expectTidy(): Promise<void> {
  const state = stateDirectoryOf(image);
  expect(await findLeftovers(state)).toEqual([]);
  expect(await tidy(image)).toEqual({ removed: [] });
  expect(
    readdirSync(state.path)
      .filter((name) => name !== 'counter')
      .toSorted(),
  ).toEqual(['generations', 'lock', 'work']);
  expect(readdirSync(state.work)).toEqual([]);
  expect(readdirSync(join(folder, 'images')).toSorted()).toEqual(['.coldpatch', 'web, "1".img']);
  for (const name of readdirSync(state.generations)) {
    expect(name).toMatch(/^\d+$/);
    expect(statSync(join(state.generations, name, 'disk')).nlink).toBe(1);
  }
  expect(statSync(image).nlink).toBe(1);
}

/** After these the new image is in place. */
function isReplaced(step: JournalStep): boolean {
  return journalSteps.indexOf(step as (typeof journalSteps)[number]) >= journalSteps.indexOf('replaced');
}

const stepsOfUpdate = journalSteps.filter((step) => step !== 'consumed');

describe('an update', () => {
  test('keeps the old image and passes on owner, mode and attributes', async () => {
    const before = statSync(image);
    const steps: JournalStep[] = [];
    expect(await update(image, content, (step) => void steps.push(step))).toBe(1);
    expect(steps).toEqual(stepsOfUpdate);
    expect(readFileSync(image)).toEqual(second);
    expect(await kept()).toEqual([{ number: 1, reason: 'update', bytes: first }]);
    expect(statSync(join(stateDirectoryOf(image).generations, '1', 'disk')).ino).toBe(before.ino);
    expect(statSync(image).mode).toBe(before.mode);
    await tidy(image);
    await expectTidy();
  });

  test.each(stepsOfUpdate)('killed after "%s" leaves the old image or the new one', async (step) => {
    expect(carryOut({ action: 'update', content, killAt: step })).toBe(false);
    expect(readFileSync(image)).toEqual(isReplaced(step) ? second : first);
    recoverWithKills();
    expect(readFileSync(image)).toEqual(isReplaced(step) ? second : first);
    expect(await kept()).toEqual(isReplaced(step) ? [{ number: 1, reason: 'update', bytes: first }] : []);
    await expectTidy();
  });

  test.each(stepsOfUpdate.slice(0, stepsOfUpdate.indexOf('confirmed')))(
    'notices what is written after "%s", and loses none of it',
    async (step) => {
      const done = update(image, content, writerAt(image, step));
      await expect(done).rejects.toMatchObject({ code: 'image_changed' });
      expect(readFileSync(image)).toEqual(written(first));
      await tidy(image);
      expect(await kept()).toEqual([]);
      await expectTidy();
    },
  );

  test.each(['intended', 'replaced'] as const)(
    'killed after "%s", with a write into the old image, is taken back',
    async (step) => {
      carryOut({ action: 'update', content, killAt: step, writeAt: step });
      recoverWithKills();
      expect(readFileSync(image)).toEqual(written(first));
      expect(await kept()).toEqual([]);
      await expectTidy();
    },
  );

  test.each(['restored', 'undone', 'finished'] as const)(
    'killed after "%s" while it is taken back, stays taken back',
    async (step) => {
      carryOut({ action: 'update', content, killAt: step, writeAt: 'rechecked' });
      expect(readFileSync(image)).toEqual(written(first));
      recoverWithKills();
      expect(readFileSync(image)).toEqual(written(first));
      expect(await kept()).toEqual([]);
      await expectTidy();
    },
  );

  test('keeps both when both were written since', async () => {
    carryOut({ action: 'update', content, killAt: 'replaced', writeAt: 'replaced' });
    const file = openSync(image, 'r+');
    writeSync(file, foreignWrite.bytes, foreignWrite.position);
    closeSync(file);
    expect(await tidy(image)).toMatchObject({ settlement: 'both_kept' });
    expect(readFileSync(image)).toEqual(written(second));
    expect(await kept()).toEqual([{ number: 1, reason: 'update', bytes: written(first) }]);
    await expect(undo(image, nothing)).rejects.toMatchObject({ code: 'generation_altered' });
    await expectTidy();
  });

  test.each(['intended', 'replaced'] as const)(
    'killed after "%s" keeps the old image when somebody has put another in its place',
    async (step) => {
      carryOut({ action: 'update', content, killAt: step });
      writeFileSync(join(folder, 'foreign'), 'foreign');
      renameSync(join(folder, 'foreign'), image);
      expect(await tidy(image)).toMatchObject({ settlement: 'image_foreign' });
      expect(readFileSync(image, 'utf8')).toBe('foreign');
      expect(await kept()).toEqual([{ number: 1, reason: 'update', bytes: first }]);
      await expectTidy();
    },
  );
});

describe('a rollback', () => {
  beforeEach(async () => {
    await update(image, content, nothing);
    await tidy(image);
  });

  test('brings back the very file, and keeps what was there', async () => {
    const steps: JournalStep[] = [];
    const inode = statSync(join(stateDirectoryOf(image).generations, '1', 'disk')).ino;
    const result = await undo(image, (step) => void steps.push(step));
    expect(steps).toEqual(journalSteps);
    expect(result).toMatchObject({ restored: { number: 1 }, kept: 2 });
    expect(readFileSync(image)).toEqual(first);
    expect(statSync(image).ino).toBe(inode);
    expect(await kept()).toEqual([{ number: 2, reason: 'rollback', bytes: second }]);
    await expectTidy();
  });

  test('of a rollback must be asked for by its number', async () => {
    await undo(image, nothing);
    await expect(undo(image, nothing)).rejects.toMatchObject({ code: 'generation_unknown' });
    await expect(undo(image, nothing, 1)).rejects.toMatchObject({ code: 'generation_unknown' });
    await undo(image, nothing, 2);
    expect(readFileSync(image)).toEqual(second);
    expect(await kept()).toEqual([{ number: 3, reason: 'rollback', bytes: first }]);
  });

  test('takes the newest generation of an update', async () => {
    writeFileSync(content, 'third');
    expect(await update(image, content, nothing)).toBe(2);
    expect(await undo(image, nothing)).toMatchObject({ restored: { number: 2 }, kept: 3 });
    expect(await kept()).toEqual([
      { number: 1, reason: 'update', bytes: first },
      { number: 3, reason: 'rollback', bytes: Buffer.from('third') },
    ]);
    await undo(image, nothing);
    expect(readFileSync(image)).toEqual(first);
  });

  test('refuses a generation that was altered', async () => {
    writeFileSync(join(stateDirectoryOf(image).generations, '1', 'disk'), written(first));
    await expect(undo(image, nothing)).rejects.toMatchObject({ code: 'generation_altered' });
    expect(readFileSync(image)).toEqual(second);
  });

  test.each(journalSteps)('killed after "%s" leaves the old image or the new one', async (step) => {
    expect(carryOut({ action: 'rollback', killAt: step })).toBe(false);
    expect(readFileSync(image)).toEqual(isReplaced(step) ? first : second);
    recoverWithKills();
    expect(readFileSync(image)).toEqual(isReplaced(step) ? first : second);
    expect(await kept()).toEqual([
      isReplaced(step)
        ? { number: 2, reason: 'rollback', bytes: second }
        : { number: 1, reason: 'update', bytes: first },
    ]);
    await expectTidy();
  });

  test.each(journalSteps.slice(0, journalSteps.indexOf('confirmed')))(
    'notices what is written after "%s", and loses none of it',
    async (step) => {
      const done = undo(image, writerAt(image, step));
      await expect(done).rejects.toMatchObject({ code: 'image_changed' });
      expect(readFileSync(image)).toEqual(written(second));
      expect(await kept()).toEqual([{ number: 1, reason: 'update', bytes: first }]);
      await expectTidy();
    },
  );

  test.each(['replaced', 'returned', 'restored', 'undone', 'finished'] as const)(
    'killed after "%s" while it is taken back, gives both back',
    async (step) => {
      carryOut({ action: 'rollback', killAt: step, writeAt: step === 'replaced' ? step : 'rechecked' });
      recoverWithKills();
      expect(readFileSync(image)).toEqual(written(second));
      expect(await kept()).toEqual([{ number: 1, reason: 'update', bytes: first }]);
      await expectTidy();
    },
  );
});
