import { expect, test } from 'vitest';
import type { Filesystem } from '../../disk/filesystems/types.ts';
import type { Gap } from '../../lib/gap.ts';
import { mountTree } from '../file-tree.ts';
import { type FixtureFiles, memoryFilesystem } from '../fixtures/memory-filesystem.ts';
import { readFreshness } from './read-freshness.ts';

const boot = new Date('2026-03-01T06:00:00Z');

function record(type: number, at: Date, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeInt16LE(type, 0);
  if (size === 400) bytes.writeBigInt64LE(BigInt(Math.floor(at.getTime() / 1000)), 344);
  else bytes.writeInt32LE(Math.floor(at.getTime() / 1000), 340);
  return bytes;
}

function freshness(files: FixtureFiles, modified = 0n) {
  const plain = memoryFilesystem(files);
  const filesystem: Filesystem = {
    ...plain,
    status: (inode) => ({ ...plain.status(inode), modifiedAt: modified }),
  };
  const gaps: Gap[] = [];
  return { ...readFreshness(mountTree([{ path: '/', filesystem }]), gaps), gaps };
}

test.each([384, 400])('the last start is the last record of one in wtmp, of %i bytes each', (size) => {
  const earlier = new Date(boot.getTime() - 1e9);
  const log = Buffer.concat([record(2, earlier, size), record(2, boot, size), record(7, new Date(), size)]);
  expect(freshness({ 'var/log/wtmp': log }).lastBootAt).toBe('2026-03-01T06:00:00.000Z');
});

test('without wtmp, systemd tells', () => {
  const nanoseconds = BigInt(boot.getTime()) * 1_000_000n;
  const found = freshness({ 'var/lib/systemd/random-seed': 'x', 'var/lib/dpkg/status': 'x' }, nanoseconds);
  expect(found).toMatchObject({ lastBootAt: boot.toISOString(), lastPackageChangeAt: boot.toISOString() });
});

test.each([
  ['an empty tree', {}],
  ['a wtmp of no whole records', { 'var/log/wtmp': 'x'.repeat(383) }],
  ['a wtmp without a start', { 'var/log/wtmp': record(7, boot, 384) }],
  ['a time before time', { 'var/log/wtmp': record(2, new Date(-1000), 384) }],
])('%s says nothing', (_, files) => {
  expect(freshness(files)).toEqual({
    lastBootAt: null,
    lastShutdownAt: null,
    lastPackageChangeAt: null,
    pendingOfflineUpdate: false,
    gaps: [],
  });
});

test('a prepared offline update is seen by its link, wherever that leads', () => {
  expect(freshness({ 'system-update': { link: '/nowhere' } }).pendingOfflineUpdate).toBe(true);
});
