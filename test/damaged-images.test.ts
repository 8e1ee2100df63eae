import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ImageFormatId } from '../src/disk/image-formats/types.ts';
import type { Damage, DamagedImage, DamagedReading } from './support/damaged-image-worker.ts';
import { seededNumbers } from './support/seeded-numbers.ts';
import type { DamagedReadings } from './support/read-damaged-images.ts';

/**
 * Real images of every kind, damaged where the readers look: each must end in an answer or in an error of ours,
 * within time and memory. A failure names its seed, and the same seed makes the same damage.
 */

const variants = 60;
const mostResidentBytes = 256 * 1024 * 1024;
/** What the pool of threads says when one took too long or too much memory. */
const endedFromOutside = /Expected an answer within/;

const folder = mkdtempSync(join(tmpdir(), 'damaged-'));
afterAll(() => rmSync(folder, { recursive: true }));

function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function image(name: string, size: number): string {
  const path = join(folder, name);
  writeFileSync(path, '');
  truncateSync(path, size);
  return path;
}

const tree = join(folder, 'tree');

beforeAll(() => {
  for (const path of ['etc', 'usr/bin', 'var/lib/dpkg/info', 'boot/grub', 'many']) {
    mkdirSync(join(tree, path), { recursive: true });
  }
  const write = (path: string, text: string | Buffer): void => writeFileSync(join(tree, path), text);
  write('etc/os-release', 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian"\n');
  write('etc/fstab', '/dev/sda1 / ext4 defaults 0 1\n');
  write('etc/hostname', 'till\n');
  write('boot/grub/grub.cfg', 'menuentry "Debian" {\n linux /boot/vmlinuz-6.1.0-1-amd64 root=/dev/sda1\n}\n');
  const stanza = (index: number): string =>
    `Package: p${index}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${index}-1\nDescription: x\n\n`;
  write('var/lib/dpkg/status', Array.from({ length: 300 }, (_, index) => stanza(index)).join(''));
  for (let index = 0; index < 200; index += 1) write(`many/file-with-a-name-${index}`, `content ${index}`);
  write('usr/bin/large', Buffer.from(Array.from({ length: 600_000 }, (_, index) => (index * 7919) >>> 5)));
  write('usr/bin/zeros', Buffer.alloc(300_000));
  symlinkSync('large', join(tree, 'usr/bin/link'));
  symlinkSync('/'.padEnd(200, 'x'), join(tree, 'usr/bin/long-link'));
});

interface Kind {
  readonly name: string;
  readonly format: ImageFormatId;
  /** Makes the image, and gives its path. */
  readonly make: () => string;
  /** What an undamaged one shows, so that the damage is known to touch what is read. */
  readonly packages: number;
  /** How many files an undamaged one has at least; 200 unless given. */
  readonly files?: number;
}

function ext4(name = 'ext4'): string {
  const path = image(name, 24 * 1024 * 1024);
  run('mke2fs', '-q', '-t', 'ext4', '-F', '-d', tree, path);
  return path;
}

function converted(format: string, options: string, name: string): string {
  const path = join(folder, name);
  run(
    'qemu-img',
    'convert',
    '-f',
    'raw',
    '-O',
    format,
    ...(options === '' ? [] : ['-o', options]),
    ext4(`of-${name}`),
    path,
  );
  return path;
}

function partitioned(): string {
  const path = image('gpt', 40 * 1024 * 1024);
  execFileSync('sfdisk', ['-q', path], { input: 'label: gpt\nstart=2048, size=49152\nsize=4096\n' });
  run('dd', `if=${ext4('part')}`, `of=${path}`, 'bs=1M', 'seek=1', 'conv=notrunc,sparse', 'status=none');
  return path;
}

/** The tree in the words of mkfs.xfs(8), `-p`. */
function prototype(): string {
  const lines = ['/', '0 0', 'd--755 0 0'];
  const walk = (folderPath: string): void => {
    for (const entry of readdirSync(folderPath, { withFileTypes: true })) {
      const path = join(folderPath, entry.name);
      if (entry.isDirectory()) {
        lines.push(`${entry.name} d--755 0 0`);
        walk(path);
        lines.push('$');
      } else if (entry.isSymbolicLink()) lines.push(`${entry.name} l--777 0 0 ${readlinkSync(path)}`);
      else lines.push(`${entry.name} ---644 0 0 ${path}`);
    }
  };
  walk(tree);
  const path = join(folder, 'prototype');
  writeFileSync(path, `${[...lines, '$'].join('\n')}\n`);
  return path;
}

const kinds: readonly Kind[] = [
  { name: 'ext4', format: 'raw', make: ext4, packages: 300 },
  { name: 'GPT', format: 'raw', make: partitioned, packages: 300 },
  {
    name: 'btrfs',
    format: 'raw',
    make: () => {
      const path = image('btrfs', 128 * 1024 * 1024);
      run('mkfs.btrfs', '-q', '-r', tree, path);
      return path;
    },
    packages: 300,
  },
  {
    name: 'XFS',
    format: 'raw',
    make: () => {
      const path = image('xfs', 300 * 1024 * 1024);
      run('mkfs.xfs', '-q', '-p', prototype(), path);
      return path;
    },
    packages: 300,
  },
  {
    name: 'FAT',
    format: 'raw',
    make: () => {
      const path = image('fat', 40 * 1024 * 1024);
      run('mkfs.fat', '-F', '32', path);
      run('mcopy', '-s', '-i', path, join(tree, 'many'), join(tree, 'etc'), '::');
      return path;
    },
    packages: 0,
  },
  {
    name: 'NTFS',
    format: 'raw',
    make: () => {
      const path = image('ntfs', 24 * 1024 * 1024);
      run('mkntfs', '-q', '-F', '-s', '512', path);
      for (const name of ['usr/bin/large', 'var/lib/dpkg/status', 'etc/os-release'])
        run('ntfscp', path, join(tree, name), name.split('/').at(-1) ?? name);
      return path;
    },
    packages: 0,
    files: 2,
  },
  {
    name: 'squashfs',
    format: 'raw',
    make: () => {
      const path = join(folder, 'squashfs');
      run('mksquashfs', tree, path, '-quiet', '-no-progress', '-b', '16384');
      return path;
    },
    packages: 300,
  },
  {
    name: 'ISO 9660',
    format: 'raw',
    make: () => {
      const path = join(folder, 'iso');
      run('xorriso', '-as', 'mkisofs', '-quiet', '-R', '-J', '-joliet-long', '-o', path, tree);
      return path;
    },
    packages: 300,
  },
  { name: 'qcow2', format: 'qcow2', make: () => converted('qcow2', '', 'qcow2'), packages: 300 },
  {
    name: 'qcow2, zstd',
    format: 'qcow2',
    make: () => {
      const path = join(folder, 'compressed');
      run(
        'qemu-img',
        'convert',
        '-c',
        '-O',
        'qcow2',
        '-o',
        'compression_type=zstd,cluster_size=4k',
        ext4('of-zstd'),
        path,
      );
      return path;
    },
    packages: 300,
  },
  { name: 'VMDK', format: 'vmdk', make: () => converted('vmdk', '', 'vmdk'), packages: 300 },
  {
    name: 'VMDK, streamed',
    format: 'vmdk',
    make: () => converted('vmdk', 'subformat=streamOptimized', 'stream'),
    packages: 300,
  },
  { name: 'VHDX', format: 'vhdx', make: () => converted('vhdx', '', 'vhdx'), packages: 300 },
  { name: 'VHD', format: 'vhd', make: () => converted('vpc', '', 'vhd'), packages: 300 },
  { name: 'VDI', format: 'vdi', make: () => converted('vdi', '', 'vdi'), packages: 300 },
];

function read(requests: readonly DamagedImage[]): DamagedReadings {
  const script = join(import.meta.dirname, 'support/read-damaged-images.ts');
  const output = execFileSync(process.execPath, [script], {
    input: JSON.stringify(requests),
    maxBuffer: 256 * 1024 * 1024,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return JSON.parse(output.toString()) as DamagedReadings;
}

const telling = [0, 1, 0x7f, 0x80, 0xff];

/** Damages in a part that is read: single bits, telling values, swapped words, runs of zeros or ones. */
function damageOf(seed: number, reads: DamagedReading['reads']): readonly Damage[] {
  const next = seededNumbers(seed);
  return Array.from({ length: 1 + next(4) }, (): Damage => {
    const [start, length] = reads[next(reads.length)] ?? [0, 1];
    const offset = start + next(length);
    const count = [1, 1, 2, 4, 8, 64][next(6)] ?? 1;
    const value = telling[next(telling.length)] ?? 0;
    return { offset, bytes: Array.from({ length: count }, () => (next(2) === 0 ? value : next(256))) };
  });
}

describe.each(kinds)('$name', ({ format, make, packages, files }) => {
  test('ends well, whatever is damaged', () => {
    const path = make();
    const {
      answers: [whole],
    } = read([{ path, format, damages: [], trace: true }]);
    expect(whole?.value).toMatchObject({ packages });
    expect(whole?.value?.files).toBeGreaterThan(files ?? 200);
    const reads = whole?.value?.reads ?? [];
    const size = statSync(path).size;
    const requests = Array.from({ length: variants }, (_, seed): DamagedImage => {
      const cut = seed % 10 === 9 ? { length: seededNumbers(seed)(size) } : {};
      return { path, format, damages: damageOf(seed + 1, reads), ...cut };
    });
    const { answers, peak } = read(requests);
    const bad = answers.flatMap(({ error }, seed) =>
      error !== undefined && (error.code === 'internal' || endedFromOutside.test(error.message))
        ? [{ seed, ...error }]
        : [],
    );
    expect(bad).toEqual([]);
    const told = answers.filter(
      ({ value }) => value === undefined || value.gaps > 0 || value.packages !== packages,
    );
    expect(told.length).toBeGreaterThan(0);
    expect(peak).toBeLessThan(mostResidentBytes);
  });
});
