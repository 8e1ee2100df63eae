import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { type CpioEntry, writeCpio } from './write-cpio.ts';

const entries: readonly CpioEntry[] = [
  { name: 'init', type: 'file', bytes: Buffer.from('#!/bin/sh\n'), executable: true },
  { name: 'etc/version', type: 'file', bytes: Buffer.from('1'), executable: false },
  { name: 'etc', type: 'directory' },
  { name: 'usr', type: 'link', target: '.' },
];

test('cpio reads it', () => {
  const { stdout, status } = spawnSync('cpio', ['-tv', '--quiet', '--numeric-uid-gid'], {
    input: writeCpio(entries),
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
  });
  expect(status).toBe(0);
  expect(stdout.replaceAll(/ +/g, ' ').trimEnd().split('\n')).toEqual([
    'drwxr-xr-x 2 0 0 0 Jan 1 1970 etc',
    '-rw-r--r-- 1 0 0 1 Jan 1 1970 etc/version',
    '-rwxr-xr-x 1 0 0 10 Jan 1 1970 init',
    'lrwxrwxrwx 1 0 0 1 Jan 1 1970 usr -> .',
  ]);
});

test('the order of the entries does not matter', () => {
  expect(writeCpio(entries.toReversed())).toEqual(writeCpio(entries));
});
