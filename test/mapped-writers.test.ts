/** What a program writes through a mapping of a file, the kernel shows only after a sync. */
import { lstatSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { copyMember } from '../src/machines/machine-generations/prepare-generation.ts';
import { copyPaused } from '../src/machines/running/copy-paused.ts';
import { filesystemKinds, makeDisk, withMounted } from './support/power-cut/logged-disk.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mapped-writers-')));
const mounted = join(folder, 'mounted');
const image = join(folder, 'disk');

afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  {
    name: 'a machine that is off',
    copy: (path: string, to: string) =>
      copyMember({ name: 'tpm', kind: 'vtpm', path, format: 'swtpm', required: true }, to, { reserve: 0n }),
  },
  {
    name: 'a machine that stands still',
    copy: (path: string, to: string) => copyPaused([{ path, to, isMapped: true }]),
  },
])('from the copy of a file of $name on, each write through a mapping is seen', async ({ copy }) => {
  mkdirSync(mounted, { recursive: true });
  makeDisk(image, filesystemKinds.ext4);
  await withMounted(image, mounted, filesystemKinds.ext4, async () => {
    const database = new DatabaseSync(join(mounted, 'database'));
    try {
      database.exec('PRAGMA journal_mode = WAL; CREATE TABLE numbers (number)');
      // SQLite writes this file through a mapping alone, at each change.
      const path = join(mounted, 'database-shm');
      const writes = async (): Promise<boolean> => {
        const before = lstatSync(path, { bigint: true }).mtimeNs;
        await delay(50);
        database.exec('INSERT INTO numbers VALUES (1)');
        return lstatSync(path, { bigint: true }).mtimeNs !== before;
      };
      // From the first write on, none is seen, until somebody lets the kernel write its pages back.
      await expect.poll(writes).toBe(false);
      await copy(path, join(mounted, 'copy'));
      expect(await writes()).toBe(true);
    } finally {
      database.close();
    }
  });
});
