import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readHostState } from './support/host-state.ts';
import { findLeaks } from './support/leaks.ts';

test('a file that is left in a watched folder is a leak, until it is gone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'leaks-'));
  const before = readHostState([folder]);
  const left = join(folder, 'left');
  writeFileSync(left, '');
  expect(await findLeaks(before, [folder], 500)).toEqual([`file ${left}`]);
  rmSync(left);
  expect(await findLeaks(before, [folder])).toEqual([]);
  rmSync(folder, { recursive: true });
});

test('a process that is left is a leak, until it has ended', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'leaks-'));
  const program = join(folder, 'qemu-left');
  copyFileSync('/bin/sleep', program);
  const before = readHostState([]);
  const child = spawn(program, ['60']);
  await once(child, 'spawn');
  expect(await findLeaks(before, [], 500)).toEqual([`process ${child.pid} qemu-left`]);
  child.kill('SIGKILL');
  await once(child, 'close');
  expect(await findLeaks(before, [])).toEqual([]);
  rmSync(folder, { recursive: true });
});
