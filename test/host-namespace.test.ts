/** What is mounted from a copy goes with its namespace, in whatever order the kernel ends the processes in it. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { attachCopy } from '../src/patch/copy-access/attach-copy.ts';
import { HostNamespace } from '../src/patch/copy-access/host-namespace.ts';

const rounds = 10;

/** Which use of a loop device is under way, counted by the kernel for all disks; undefined when it is free. */
function useOf(device: string): string | undefined {
  const place = join('/sys/block', basename(device));
  return existsSync(join(place, 'loop')) ? readFileSync(join(place, 'diskseq'), 'utf8') : undefined;
}

test('a filesystem with unwritten changes on a file that a killed daemon served does not hold up the host', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'namespace-'));
  const disk = join(folder, 'disk.raw');
  writeFileSync(disk, '');
  truncateSync(disk, 64 * 1024 ** 2);
  execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', disk]);
  const root = join(folder, 'root');
  mkdirSync(root);
  for (let round = 0; round < rounds; round += 1) {
    const namespace = await HostNamespace.open();
    const copy = { path: disk, format: 'raw', backing: [] } as const;
    const { path } = await attachCopy(namespace, copy, folder, 'writable');
    await namespace.runOrFail({ file: 'mount', args: ['-o', 'loop', path, root], timeoutSeconds: 60 });
    await namespace.runOrFail({
      file: 'dd',
      args: ['if=/dev/zero', `of=${root}/dirty`, 'bs=1M', 'count=8', 'status=none'],
      timeoutSeconds: 60,
    });
    const { stdout } = await namespace.runOrFail({
      file: 'findmnt',
      args: ['--noheadings', '--output', 'SOURCE', '--mountpoint', root],
      timeoutSeconds: 60,
    });
    const device = stdout.trim();
    const use = useOf(device);
    expect(use).toBeDefined();
    await namespace.close();
    await expect.poll(() => useOf(device) === use, { timeout: 60_000 }).toBe(false);
  }
  rmSync(folder, { recursive: true });
});

test('what the host unmounts while a namespace is open is free at once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'namespace-'));
  const disk = join(folder, 'disk.raw');
  writeFileSync(disk, '');
  truncateSync(disk, 16 * 1024 ** 2);
  execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', disk]);
  const root = join(folder, 'root');
  mkdirSync(root);
  execFileSync('mount', ['-o', 'loop', disk, root]);
  const device = execFileSync('findmnt', ['-n', '-o', 'SOURCE', '--mountpoint', root], { encoding: 'utf8' });
  const use = useOf(device.trim());
  const namespace = await HostNamespace.open();
  execFileSync('umount', [root]);
  expect(use).toBeDefined();
  await expect.poll(() => useOf(device.trim()) === use, { timeout: 10_000 }).toBe(false);
  await namespace.close();
  rmSync(folder, { recursive: true });
});
