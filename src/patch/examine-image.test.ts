import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { windowsFiles } from '../guest/fixtures/windows-files.ts';
import { examineImage } from './examine-image.ts';

test('a Windows is refused, by its name', () => {
  const folder = mkdtempSync(join(tmpdir(), 'coldpatch-examine-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(windowsFiles())) {
    mkdirSync(dirname(join(folder, 'tree', path)), { recursive: true });
    writeFileSync(join(folder, 'tree', path), content as string | Uint8Array);
  }
  const path = join(folder, 'image.raw');
  writeFileSync(path, '');
  truncateSync(path, 8 * 1024 * 1024);
  execFileSync('mkfs.ext4', ['-q', '-d', join(folder, 'tree'), path]);
  expect(() => examineImage({ path, format: 'raw' })).toThrow(
    expect.objectContaining({
      code: 'system_unknown',
      message: expect.stringContaining('found Windows 10 Pro, which can be inspected'),
    }),
  );
});
