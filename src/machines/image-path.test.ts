import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { resolveImagePath } from './image-path.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'coldpatch-image-path-')));
afterAll(() => rmSync(folder, { recursive: true }));

const image = join(folder, 'disk.img');
writeFileSync(image, 'disk');

function linked(target: string, ...name: readonly string[]): string {
  const path = join(folder, ...name);
  symlinkSync(target, path);
  return path;
}

function directory(name: string, mode: number): string {
  mkdirSync(join(folder, name));
  chmodSync(join(folder, name), mode);
  return name;
}

test('finds a file by an absolute and by a relative path', () => {
  const { path, identity } = resolveImagePath(image);
  expect(path).toBe(image);
  expect(identity).toMatchObject({ size: 4n, linkCount: 1n });
  expect(resolveImagePath(relative(process.cwd(), image)).path).toBe(image);
});

test('follows safe links, and takes .. as the system does', () => {
  const inner = directory('inner', 0o755);
  linked(inner, 'way');
  linked('../disk.img', inner, 'up');
  expect(resolveImagePath(linked('disk.img', 'short')).path).toBe(image);
  expect(resolveImagePath(linked(image, 'long')).path).toBe(image);
  expect(resolveImagePath(`${folder}/way/../disk.img`).path).toBe(image);
  expect(resolveImagePath(`${folder}/way/up`).path).toBe(image);
});

test('refuses a link where others can replace it, and names it', () => {
  for (const mode of [0o777, 0o775]) {
    const link = linked(image, directory(`open-${mode.toString(8)}`, mode), 'link');
    expect(() => resolveImagePath(link)).toThrow(
      expect.objectContaining({
        code: 'image_link_unsafe',
        message: expect.stringContaining(link) as string,
      }),
    );
  }
  const outer = linked(join(folder, 'open-777', 'link'), 'safe-link-to-an-unsafe-one');
  expect(() => resolveImagePath(outer)).toThrow(expect.objectContaining({ code: 'image_link_unsafe' }));
});

test('accepts our own link in a directory where only owners may remove', () => {
  expect(resolveImagePath(linked(image, directory('sticky', 0o1777), 'link')).path).toBe(image);
});

test('refuses what is not a file', () => {
  for (const path of [folder, '/dev/null', linked('loop', 'loop'), linked(folder, 'to-directory')]) {
    expect(() => resolveImagePath(path)).toThrow(expect.objectContaining({ code: 'image_not_a_file' }));
  }
  for (const path of [join(folder, 'none'), join(image, 'below'), linked('nowhere', 'dangling')]) {
    expect(() => resolveImagePath(path)).toThrow(expect.objectContaining({ code: 'file_not_found' }));
  }
});
