import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memoryFilesystem } from '../src/guest/fixtures/memory-filesystem.ts';
import { memoryImage } from '../src/guest/fixtures/memory-image.ts';
import { windowsFiles } from '../src/guest/fixtures/windows-files.ts';
import { inspectImage } from '../src/guest/inspect-image.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'coldpatch-windows-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** libguestfs takes the architecture from this program, of which it needs the head. */
function programHead(): Buffer {
  const head = Buffer.alloc(1024);
  head.write('MZ');
  head.writeUInt32LE(0x80, 0x3c);
  head.write('PE', 0x80);
  head.writeUInt16LE(0x8664, 0x84);
  head.writeUInt16LE(1, 0x86);
  head.writeUInt16LE(240, 0x94);
  head.writeUInt16LE(0x22, 0x96);
  head.writeUInt16LE(0x20b, 0x98);
  head.writeUInt16LE(3, 0x98 + 68);
  return head;
}

/** The text of the first element of a name. */
function textIn(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
}

test('a Windows is what virt-inspector sees in the same files', { timeout: 600_000 }, () => {
  const files = windowsFiles({
    files: { 'Windows/System32/cmd.exe': programHead(), 'Program Files/desktop.ini': '' },
  });
  const image = join(folder, 'windows.raw');
  const tree = join(folder, 'tree');
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), content as string | Uint8Array);
  }
  writeFileSync(image, '');
  truncateSync(image, 64 * 1024 * 1024);
  execFileSync('mkfs.vfat', ['-F', '32', image], { stdio: 'pipe' });
  const names = ['Windows', 'Users', 'Program Files', 'hiberfil.sys'].map((name) => join(tree, name));
  execFileSync('mcopy', ['-s', '-i', image, ...names, '::/'], {
    env: { ...process.env, MTOOLS_SKIP_CHECK: '1' },
  });
  const xml = execFileSync('virt-inspector', ['-a', image, '--no-icon'], {
    encoding: 'utf8',
    env: {
      ...process.env,
      LIBGUESTFS_BACKEND: 'direct',
      LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg',
      LIBGUESTFS_MEMSIZE: '512',
      LIBGUESTFS_CACHEDIR: folder,
      TMPDIR: folder,
    },
  });

  const { operatingSystem, packages } = inspectImage(memoryImage([{ filesystem: memoryFilesystem(files) }]));
  expect(operatingSystem?.prettyName).toBe(textIn(xml, 'product_name'));
  expect(operatingSystem?.versionId).toMatch(
    new RegExp(`^${textIn(xml, 'major_version')}\\.${textIn(xml, 'minor_version')}\\.`),
  );
  expect(operatingSystem?.architecture).toBe('amd64');
  expect(textIn(xml, 'arch')).toBe('x86_64');
  expect(textIn(xml, 'windows_current_control_set')).toBe('ControlSet002');
  const applications = Array.from(
    xml.matchAll(/<application>([^]*?)<\/application>/g),
    ([, application = '']) => `${textIn(application, 'display_name')} ${textIn(application, 'version')}`,
  );
  const programs = packages
    .filter(({ manager, name }) => manager === 'windows-uninstall' && !name.includes('(User)'))
    .map(({ name, version }) => `${name} ${version}`);
  expect(applications.toSorted()).toEqual(programs.toSorted());
});
