import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeTestTree, noise } from '../src/disk/fixtures/test-tree.ts';
import { openImage } from '../src/disk/open-image.ts';
import { expectAsMounted } from './support/expect-as-mounted.ts';

/** A driver that shares no code with ours writes the volume, and is the judge of what is in it. */

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-exfat-'));
const mountPoint = join(folder, 'mount');
const image = join(folder, 'image');

beforeAll(() => {
  mkdirSync(mountPoint);
});
afterAll(() => rmSync(folder, { recursive: true }));

function mounted(options: string, work: () => void): void {
  const device = execFileSync('losetup', ['--find', '--show', image]).toString().trim();
  try {
    const parameters = ['-o', `umask=022,${options}`, device, mountPoint];
    execFileSync('mount.exfat-fuse', parameters, { stdio: 'pipe', env: { ...process.env, TZ: 'UTC' } });
    try {
      work();
    } finally {
      execFileSync('umount', [mountPoint]);
    }
  } finally {
    execFileSync('losetup', ['--detach', device]);
  }
}

function fill(): void {
  const place = (name: string): string => join(mountPoint, name);
  makeTestTree(mountPoint, { many: 1500, largest: 3_000_001 });
  // Pieces between others, of which some are removed again.
  const pieces = openSync(place('pieces'), 'w');
  for (let index = 0; index < 60; index += 1) {
    writeSync(pieces, noise(9000, index));
    writeFileSync(place(`between-${index}`), noise(5000, index));
  }
  expect(fstatSync(pieces).size).toBe(540_000);
  closeSync(pieces);
  for (let index = 0; index < 60; index += 2) {
    rmSync(place(`between-${index}`));
  }
  writeFileSync(place('holes'), noise(5000));
  truncateSync(place('holes'), 900_000);
  appendFileSync(place('holes'), noise(9000));
  truncateSync(place('zeros.bin'), 1_000_000);
  renameSync(place('lower.txt'), place('leer/Renamed and moved.txt'));
  rmSync(place('many/A rather long name, number 7.conf'));
  utimesSync(place('empty'), 1_600_000_000, 1_600_000_000);
}

for (const [clusterSize, megabytes] of [
  ['4096', 32],
  ['32768', 128],
] as const) {
  test(`clusters of ${clusterSize} bytes: as exfat-fuse mounts it`, () => {
    writeFileSync(image, '');
    truncateSync(image, megabytes * 1024 * 1024);
    execFileSync('mkfs.exfat', ['-c', clusterSize, '-L', 'Größe', image], { stdio: 'pipe' });
    mounted('rw', fill);
    execFileSync('fsck.exfat', ['-n', image], { stdio: 'pipe' });
    const { volumes, gaps, close } = openImage({ path: image });
    try {
      const [volume] = volumes;
      expect(volume?.content).toMatchObject({ format: 'exfat', label: 'Größe', properties: { clean: true } });
      expect(gaps).toEqual([]);
      const filesystem = volume?.filesystem;
      if (filesystem === undefined) throw new Error('It was not opened.');
      mounted('ro', () => {
        // The root directory has no time of its own.
        const status = (inode: number) =>
          inode === filesystem.rootInode
            ? { ...filesystem.status(inode), modifiedAt: timeOfRoot() }
            : filesystem.status(inode);
        const found = expectAsMounted({ ...filesystem, status }, mountPoint, false);
        expect(found.paths).toBeGreaterThan(1500);
        expect(filesystem.freeBytes).toBe(freeBytes());
      });
    } finally {
      close();
    }
  });
}

function timeOfRoot(): bigint {
  const seconds = execFileSync('stat', ['-c', '%Y', mountPoint]).toString().trim();
  return BigInt(seconds) * 1_000_000_000n;
}

function freeBytes(): bigint {
  const [size = '', count = ''] = execFileSync('stat', ['-f', '-c', '%S %f', mountPoint])
    .toString()
    .split(' ');
  return BigInt(size) * BigInt(count);
}
