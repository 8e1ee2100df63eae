import { expect, test } from 'vitest';
import { bootSectorWords, makeBootSector } from './probe-boot-sector.ts';

test('the sector is one that a BIOS starts, and points to its own words', () => {
  const sector = Buffer.from(makeBootSector());
  expect(sector).toHaveLength(512);
  expect(sector.subarray(510).toString('hex')).toBe('55aa');
  const words = sector.readUInt16LE(5) - 0x7c00;
  expect(sector.subarray(words, words + bootSectorWords.length + 1).toString('latin1')).toBe(
    `${bootSectorWords}\0`,
  );
  // Relative jumps: to the end of the loop, back to its start, and onto hlt.
  expect(13 + sector.readInt8(12)).toBe(17);
  expect(17 + sector.readInt8(16)).toBe(8);
  expect(sector[25 + sector.readInt8(24)]).toBe(0xf4);
});
