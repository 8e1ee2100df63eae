import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSource } from '../registry.ts';
import type { OtherSources, SourceFile } from '../types.ts';
import { listFolder } from './list-folder.ts';

const noOthers: OtherSources = { members: new Map(), bases: new Set() };
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'folder-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function image(name: string, backing?: string): string {
  const path = join(folder, name);
  const on = backing === undefined ? [] : ['-b', backing, '-F', 'qcow2', '-u'];
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...on, path, '1M']);
  return path;
}

async function list(
  before: readonly SourceFile[] = [],
  others: OtherSources = noOthers,
): Promise<readonly SourceFile[]> {
  return openSource({ kind: 'folder', directory: folder }).list(
    new Map(before.map((file) => [file.locator, file])),
    others,
  );
}

test('images are listed with their chains, and nothing else is', async () => {
  const base = image('base.qcow2');
  const middle = image('middle.qcow2', 'base.qcow2');
  const top = image('top.qcow2', middle);
  writeFileSync(join(folder, 'notes.txt'), 'not an image');
  mkdirSync(join(folder, '.coldpatch'));
  writeFileSync(join(folder, '.coldpatch/disk.raw'), 'a former state');
  symlinkSync('/etc/passwd', join(folder, 'link.raw'));
  const found = await list();
  expect(found.map(({ locator, role, backing }) => ({ locator, role, backing }))).toEqual([
    { locator: base, role: 'base', backing: [] },
    { locator: middle, role: 'base', backing: [base] },
    { locator: top, role: 'leaf', backing: [middle, base] },
  ]);
});

test('a backing file outside of the source, a protocol or a circle makes an image unusable', async () => {
  image('outside.qcow2', '/etc/base.qcow2');
  image('protocol.qcow2', 'nbd://192.0.2.1/disk');
  image('a.qcow2', 'b.qcow2');
  image('b.qcow2', 'a.qcow2');
  const found = await list();
  expect(found.at(-2)?.backing).toEqual(['/etc/base.qcow2']);
  const problems = found.map(({ problem }) => problem?.split(':')[0]);
  expect(problems).toEqual([
    'image_corrupt',
    'image_corrupt',
    'backing_file_undeclared',
    'backing_file_undeclared',
  ]);
});

test('chains lead into other sources and out of them', async () => {
  const top = image('top.qcow2', '/elsewhere/middle.qcow2');
  const base = image('base.qcow2');
  const members = new Map([
    ['/elsewhere/middle.qcow2', { backing: [base] }],
    ['/elsewhere/other.qcow2', { backing: [] }],
  ]);
  const [foundBase, foundTop] = await list([], { members, bases: new Set() });
  expect(foundTop).toMatchObject({ backing: ['/elsewhere/middle.qcow2', base], problem: null });
  expect(foundBase).toMatchObject({ role: 'base' });
  const [, usedTop] = await list([], { members, bases: new Set([top]) });
  expect(usedTop).toMatchObject({ role: 'base' });
});

test('what is unchanged is not opened again', async () => {
  const path = image('a.qcow2');
  const time = new Date('2026-01-01T00:00:00Z');
  utimesSync(path, time, time);
  const before = await list();
  const size = before[0]?.size ?? 0;
  writeFileSync(path, Buffer.alloc(size));
  utimesSync(path, time, time);
  expect(await list(before)).toEqual(before);
  utimesSync(path, time, new Date('2026-01-02T00:00:00Z'));
  expect(await list(before)).toEqual([]);
});

test('a folder that went away is an error, and not an empty source', async () => {
  renameSync(folder, `${folder}-away`);
  await expect(listFolder(folder, new Map(), noOthers)).rejects.toMatchObject({ code: 'source_unreachable' });
  renameSync(`${folder}-away`, folder);
});
