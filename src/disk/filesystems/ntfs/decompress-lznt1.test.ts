import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ColdpatchError } from '../../../lib/errors.ts';
import { decompressLznt1 } from './decompress-lznt1.ts';

/** The example of LZNT1 in [MS-XCA]. */
const example = Buffer.from(
  '38b08846232000204720410010a24701a045204400084501507900c04520052413880' +
    '5b4024a44ef0358028c09160148450' +
    '0be009e000401189000',
  'hex',
);
const plain =
  'F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E F# G F# D E F# G F# E D E A F# F# G A A G F# E D D E F# E D D';

test('decompresses the example of the specification', () => {
  const into = new Uint8Array(4096);
  decompressLznt1(example, into, 'a file');
  expect(Buffer.from(into).toString('latin1').replaceAll('\0', '')).toBe(plain);
});

test('copies chunks that are not compressed, and fills up with zeros', () => {
  const chunk = Buffer.alloc(4096, 'stored ');
  const into = new Uint8Array(12_288).fill(1);
  decompressLznt1(Buffer.concat([Buffer.from([0xff, 0x3f]), chunk]), into, 'a file');
  expect(Buffer.from(into).equals(Buffer.concat([chunk, Buffer.alloc(8192)]))).toBe(true);
});

test('a reference to before the start is an error', () => {
  const data = Buffer.from([0x02, 0xb0, 0x01, 0x00, 0x10]);
  expect(() => decompressLznt1(data, new Uint8Array(4096), 'a file')).toThrow(
    expect.objectContaining({ code: 'filesystem_corrupt' }),
  );
});

test('ends with an error of ours or without, whatever the bytes are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, isChunk) => {
      const data = Buffer.from(bytes);
      if (isChunk && data.length > 3) {
        data.writeUInt16LE(0xb000 | (data.length - 3), 0);
      }
      try {
        decompressLznt1(data, new Uint8Array(8192), 'a file');
      } catch (error) {
        expect(error).toBeInstanceOf(ColdpatchError);
      }
    }),
  );
});
