import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findWorkLoopDevices, findWorkMounts } from './stray-attachments.ts';

const work = '/srv/images/.coldpatch/web.qcow2/work/run-1';

test('mounts in work directories are found, the innermost first', () => {
  const mountinfo = [
    '22 1 254:1 / / rw - ext4 /dev/vda1 rw',
    `90 22 7:0 / ${work}/root rw - ext4 /dev/loop0 rw`,
    `91 90 7:1 / ${work}/root/boot rw - ext4 /dev/loop1 rw`,
    '92 22 7:2 / /srv/images/.coldpatch/web.qcow2/generations rw - ext4 /dev/loop2 rw',
    '93 22 7:2 / /.coldpatch/a\\040b.img/work/x rw - ext4 /dev/loop3 rw',
    '',
  ].join('\n');
  expect(findWorkMounts(mountinfo)).toEqual([
    { kind: 'mount', path: '/.coldpatch/a b.img/work/x', image: '/a b.img' },
    { kind: 'mount', path: `${work}/root/boot`, image: '/srv/images/web.qcow2' },
    { kind: 'mount', path: `${work}/root`, image: '/srv/images/web.qcow2' },
  ]);
});

test('loop devices on files in work directories are found', () => {
  const block = mkdtempSync(join(tmpdir(), 'block-'));
  const plant = (name: string, file: string): void => {
    mkdirSync(join(block, name, 'loop'), { recursive: true });
    writeFileSync(join(block, name, 'loop/backing_file'), `${file}\n`);
  };
  plant('loop0', `${work}/disk-writable`);
  plant('loop1', '/srv/images/other.img');
  plant('sda', `${work}/disk-writable`);
  plant('loop3', `${work}/disk-writable (deleted)`);
  mkdirSync(join(block, 'loop2'));
  expect(findWorkLoopDevices(block)).toEqual([
    { kind: 'loop_device', path: '/dev/loop0', image: '/srv/images/web.qcow2' },
    { kind: 'loop_device', path: '/dev/loop3', image: '/srv/images/web.qcow2' },
  ]);
  rmSync(block, { recursive: true });
  expect(findWorkLoopDevices(block)).toEqual([]);
});
