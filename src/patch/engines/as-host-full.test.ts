import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { asHostFull } from './as-host-full.ts';

const first = new Error('what led here');
const { signal } = new AbortController();
/** It has no room, and never will. */
const full = '/proc';

test('what fails on a full filesystem failed for want of room', async () =>
  expect(await asHostFull(first, { workDirectory: full, signal })).toMatchObject({
    code: 'host_space',
    cause: first,
  }));

test.each([
  ['there is room', { workDirectory: tmpdir(), signal }],
  ['the directory is gone', { workDirectory: '/nonexistent/work', signal }],
  ['the run was ended', { workDirectory: full, signal: AbortSignal.abort() }],
])('an error is told as it is when %s', async (_, input) =>
  expect(await asHostFull(first, input)).toBe(first),
);
