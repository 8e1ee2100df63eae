import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { failChapter, type Fault, prepareChapter } from './support/power-cut/fail-calls.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'journal-faults-')));
const faultsOfEach = 20;

afterAll(() => rmSync(folder, { recursive: true }));

function someOf(faults: readonly Fault[], count: number): readonly Fault[] {
  expect(faults.length).toBeGreaterThan(count);
  return Array.from({ length: count }, (_, index) =>
    Math.floor(((index + 0.5) * faults.length) / count),
  ).flatMap((index) => faults[index] ?? []);
}

test.each(['take', 'promote', 'roll back', 'delete 3', 'promote an image', 'roll an image back'])(
  'a call that fails, or is the last, leaves the state before or after: %s',
  async (name) => {
    const chapter = await prepareChapter(join(folder, name), name);
    const wrong: string[] = [];
    for (const fault of someOf(chapter.faults, faultsOfEach)) {
      const found = await failChapter(chapter, fault);
      if (found !== undefined) wrong.push(found);
    }
    expect(wrong).toEqual([]);
  },
);
