import { binaryReader } from '../../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';

export interface VdiHeader {
  readonly kind: 'dynamic' | 'static';
  readonly virtualSize: bigint;
  readonly blockSize: number;
  /** Bytes before the data of each block. */
  readonly blockExtra: number;
  readonly blocks: number;
  /** Byte of the block map. */
  readonly mapOffset: bigint;
  readonly dataOffset: bigint;
}

const headerBytes = 0x190;
const largestBlock = 64 * 1024 * 1024;

/** The header of version 1.1, as VirtualBox writes it: a text of 64 bytes, then fields in little endian. */
export function parseVdiHeader(file: ByteSource): VdiHeader {
  if (file.size < BigInt(headerBytes)) throw corrupt(`it has only ${file.size} bytes`);
  const fields = binaryReader(readBytes(file, 0n, headerBytes), {
    order: 'little',
    code: 'image_corrupt',
    what: 'the VDI header',
  });
  const version = fields.u32(0x44);
  if (version !== 0x0001_0001) {
    throw unsupported(`version ${version >>> 16}.${version & 0xffff}, and only 1.1 is read`);
  }
  const kinds = { 1: 'dynamic', 2: 'static' } as const;
  const type = fields.u32(0x4c);
  if (type !== 1 && type !== 2) {
    throw unsupported(`type ${type}: it is a difference to another disk, which it names by a UUID only`);
  }
  const header = {
    kind: kinds[type],
    virtualSize: fields.u64(0x170),
    blockSize: fields.u32(0x178),
    blockExtra: fields.u32(0x17c),
    blocks: fields.u32(0x180),
    mapOffset: BigInt(fields.u32(0x154)),
    dataOffset: BigInt(fields.u32(0x158)),
  };
  const { blockSize, blocks, virtualSize, mapOffset } = header;
  if (blockSize < 512 || blockSize > largestBlock || blockSize % 512 !== 0) {
    throw corrupt(`its blocks have ${blockSize} bytes`);
  }
  if (BigInt(blocks) * BigInt(blockSize) < virtualSize) {
    throw corrupt(`its ${blocks} blocks of ${blockSize} bytes do not cover ${virtualSize} bytes`);
  }
  if (mapOffset + BigInt(blocks) * 4n > file.size) throw corrupt('its block map ends after the file');
  return header;
}

function corrupt(found: string): ColdpatchError {
  return new ColdpatchError(
    'image_corrupt',
    `Expected a VDI disk, but ${found}. Take the image from its source again.`,
  );
}

function unsupported(found: string): ColdpatchError {
  return new ColdpatchError(
    'image_format_unsupported',
    `Expected a VDI disk that stands alone, but it has ${found}. Convert it with VBoxManage clonemedium.`,
  );
}
