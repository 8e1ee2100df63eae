import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { assertNoChildren } from './check-out-image.ts';
import { findChildren } from './find-children.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-find-children-'));
afterAll(() => rmSync(folder, { recursive: true }));

const elsewhere = join(folder, 'elsewhere');
const base = join(folder, 'base.qcow2');
mkdirSync(elsewhere);
symlinkSync(base, join(folder, 'alias'));
writeFileSync(join(folder, 'notes.txt'), 'QFI');
create(base, '1M');
create(join(folder, 'standalone.qcow2'), '1M');

function create(path: string, ...rest: readonly string[]): void {
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path, ...rest]);
}

function child(name: string, backing: string, ...options: readonly string[]): string {
  const path = join(folder, name);
  create(path, ...options, '-u', '-b', backing, '-F', 'qcow2', '1M');
  return path;
}

test('finds children by every spelling of the name', () => {
  const children = [
    child('absolute.qcow2', base),
    child('by-link.qcow2', 'alias'),
    child('file.qcow2', `file:${base}`),
    child(
      'json.qcow2',
      `json:${JSON.stringify({ driver: 'qcow2', file: { driver: 'file', filename: base } })}`,
    ),
    child('relative.qcow2', './elsewhere/../base.qcow2'),
    child('sub-clusters.qcow2', 'base.qcow2', '-o', 'extended_l2=on'),
  ];
  child('stranger.qcow2', 'standalone.qcow2');
  child('dangling.qcow2', 'gone.qcow2');
  child('remote.qcow2', 'nbd://example.org/base.qcow2');
  expect(findChildren(base, [folder, folder])).toEqual({ children, gaps: [] });
  expect(findChildren(base, [elsewhere])).toEqual({ children: [], gaps: [] });
});

test('says which directories it could not look at', () => {
  const { gaps } = findChildren(base, [join(folder, 'none')]);
  expect(gaps).toMatchObject([{ where: join(folder, 'none'), reason: 'missing' }]);
});

test('a generation that is kept is a child, seen from the place of its image', () => {
  const own = join(folder, 'own');
  const generation = join(own, '.coldpatch/overlay.qcow2/generations/1');
  mkdirSync(generation, { recursive: true });
  create(join(own, 'base.qcow2'), '1M');
  create(join(own, 'overlay.qcow2'), '1M');
  renameSync(child('was-overlay.qcow2', 'base.qcow2'), join(generation, 'disk'));
  expect(findChildren(join(own, 'base.qcow2'), [own])).toEqual({
    children: [join(generation, 'disk')],
    gaps: [],
  });
});

test('an image whose children may not all be seen is refused', () => {
  const alone = join(folder, 'alone');
  mkdirSync(alone);
  create(join(alone, 'image.qcow2'), '1M');
  assertNoChildren(join(alone, 'image.qcow2'), []);
  expect(() => assertNoChildren(join(alone, 'image.qcow2'), [join(folder, 'none')])).toThrow(
    expect.objectContaining({ code: 'image_children_unknown' }),
  );
});

test('passes over headers that contradict themselves', () => {
  const broken = join(elsewhere, 'broken.qcow2');
  const header = Buffer.alloc(104);
  header.write('QFI\xfb\0\0\0\x03', 'latin1');
  header.writeBigUInt64BE(1n << 60n, 8);
  header.writeUInt32BE(10, 16);
  writeFileSync(broken, header);
  writeFileSync(join(elsewhere, 'short.qcow2'), header.subarray(0, 30));
  expect(findChildren(base, [elsewhere])).toEqual({ children: [], gaps: [] });
});
