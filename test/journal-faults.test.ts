import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { failChapter, prepareChapter } from './support/power-cut/fail-calls.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'journal-faults-')));
const faultsOfEach = 5;

afterAll(() => rmSync(folder, { recursive: true }));

test.each(['take', 'promote', 'roll back', 'delete 3', 'roll an image back'])(
  'a call that fails, or is the last, leaves the state before or after: %s',
  async (name) => {
    const chapter = await prepareChapter(join(folder, name), name);
    expect(chapter.faults.length).toBeGreaterThan(faultsOfEach);
    const wrong: string[] = [];
    for (let count = 0; count < faultsOfEach; count += 1) {
      const fault = chapter.faults[Math.floor(((count + 0.5) * chapter.faults.length) / faultsOfEach)];
      const found = fault && (await failChapter(chapter, fault));
      if (found !== undefined) wrong.push(found);
    }
    expect(wrong).toEqual([]);
  },
);
