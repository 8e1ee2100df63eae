import { expect, test } from 'vitest';
import { assertWritable } from './assert-writable.ts';
import { imageFormats } from './registry.ts';

const headerOf = (format: (typeof imageFormats)[number]['id']) => ({
  format,
  virtualSize: 0n,
  properties: {},
});

test('an upgrade writes raw and qcow2, and refuses every other format', () => {
  const writable = imageFormats.filter(({ id }) => {
    try {
      return assertWritable({ header: headerOf(id) }) === id;
    } catch (error) {
      expect(error).toMatchObject({ code: 'image_format_unsupported' });
      return false;
    }
  });
  expect(writable.map(({ id }) => id)).toEqual(['qcow2', 'raw']);
});

test('an upgrade refuses what is compressed, whatever is within', () => {
  for (const id of ['raw', 'qcow2'] as const) {
    expect(() => assertWritable({ header: headerOf(id), compression: 'zstd' })).toThrow(
      expect.objectContaining({ code: 'image_format_unsupported' }),
    );
  }
});
