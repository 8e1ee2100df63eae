import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scanCommand } from './commands/scan.ts';
import { updateCommand } from './commands/update.ts';
import { assertPlaceFor, writeOutput } from './write-output.ts';

const unwritable = expect.objectContaining({ code: 'file_unwritable' }) as Error;

test('a file in a folder that is not there is refused before the work', async () => {
  const io = { print: () => undefined, printError: () => undefined, stderr: process.stderr };
  const shared = { engine: 'auto', allowStale: false, offline: true, json: false } as const;
  const missing = '/nonexistent/report.json';
  const update = { ...shared, path: '/nonexistent.img', trustImage: false, acceptUnclean: false };
  const boot = { bootTest: false, timeLimit: 1, memory: 1 };
  await expect(updateCommand(io, { ...update, ...boot, report: missing })).rejects.toEqual(unwritable);
  const scan = { paths: ['/nonexistent.img'], changelogs: false, allowUnsigned: false };
  await expect(
    scanCommand(io, { ...shared, ...scan, outputFormat: 'json', output: missing }),
  ).rejects.toEqual(unwritable);
});

test('a file is written, and what is a folder is not', () => {
  const folder = mkdtempSync(join(tmpdir(), 'output-'));
  const path = join(folder, 'report.json');
  assertPlaceFor(path);
  writeOutput(path, 'text');
  expect(readFileSync(path, 'utf8')).toBe('text');
  expect(() => writeOutput(folder, 'text')).toThrow(unwritable);
  rmSync(folder, { recursive: true });
});
