import { expect, test } from 'vitest';
import { readBytes } from '../../../lib/byte-source.ts';
import { memorySource } from '../../memory-source.ts';
import { raw } from './index.ts';

test('shows the bytes of the file as the disk', () => {
  const file = memorySource(Buffer.from('the disk'));
  expect(raw.readHeader(file).virtualSize).toBe(8n);
  expect(readBytes(raw.open(file, undefined), 4n, 4).toString()).toBe('disk');
});
