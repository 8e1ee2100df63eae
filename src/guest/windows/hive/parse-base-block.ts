import { binaryReader } from '../../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import * as layout from './layout.ts';
import { registryCorrupt } from './registry-corrupt.ts';

export interface BaseBlock {
  /** Raised before and after each writing; they differ when one was not finished. */
  readonly primarySequence: number;
  readonly secondarySequence: number;
  readonly minorVersion: number;
  readonly fileType: number;
  /** Offset of the cell of the root key. */
  readonly rootCell: number;
  /** Bytes of all bins. */
  readonly binsBytes: number;
  readonly hasValidChecksum: boolean;
}

/** The first sector of a hive, or of its log. */
export function parseBaseBlock(file: ByteSource, where: string): BaseBlock {
  const { baseBlock } = layout;
  if (file.size < BigInt(baseBlock.sectorBytes)) {
    throw registryCorrupt(`Expected ${where} to begin with a base block, but it has ${file.size} bytes.`);
  }
  const bytes = readBytes(file, 0n, baseBlock.sectorBytes);
  const reader = binaryReader(bytes, {
    order: 'little',
    code: 'registry_corrupt',
    what: `the base block of ${where}`,
  });
  if (bytes.toString('latin1', 0, 4) !== baseBlock.signature) {
    throw registryCorrupt(`Expected ${where} to begin with "regf", but it does not.`);
  }
  const major = reader.u32(baseBlock.majorVersion);
  if (major !== 1) throw registryCorrupt(`Expected version 1 of ${where}, found ${major}.`);
  return {
    primarySequence: reader.u32(baseBlock.primarySequence),
    secondarySequence: reader.u32(baseBlock.secondarySequence),
    minorVersion: reader.u32(baseBlock.minorVersion),
    fileType: reader.u32(baseBlock.fileType),
    rootCell: reader.u32(baseBlock.rootCell),
    binsBytes: reader.u32(baseBlock.binsBytes),
    hasValidChecksum: reader.u32(baseBlock.checksum) === checksumOf(bytes),
  };
}

/** All words before the checksum, joined by exclusive or; 0 and -1 are avoided. */
export function checksumOf(sector: Buffer): number {
  let sum = 0;
  for (let at = 0; at < layout.baseBlock.checksum; at += 4) sum ^= sector.readUInt32LE(at);
  if (sum === 0) return 1;
  return sum === -1 ? 0xfffffffe : sum >>> 0;
}
