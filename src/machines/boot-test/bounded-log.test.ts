import { expect, test } from 'vitest';
import { createBoundedLog } from './bounded-log.ts';

test('keeps all of little, and both ends of much', () => {
  const log = createBoundedLog(4);
  log.add(Buffer.from('abc'));
  expect(log.text()).toBe('abc');
  log.add(Buffer.from('defgh'));
  expect(log.text()).toBe('abcdefgh');
  for (const letter of 'ijklmnopqrstuvwxyz') log.add(Buffer.from(letter));
  expect(log.text()).toBe('abcd\n[18 bytes left out]\nwxyz');
  expect(log.total).toBe(26);
});
