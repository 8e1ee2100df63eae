import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { xz } from '@napi-rs/lzma';
import { type BinaryReader, binaryReader } from '../../lib/binary-reader.ts';
import { decompressLz4 } from '../../lib/decompress-lz4.ts';
import { ColdpatchError, isColdpatchError } from '../../lib/errors.ts';
import { hasPvhEntry } from './has-pvh-entry.ts';

/** Linux: Documentation/arch/x86/boot.rst. */
const header = { setupSectors: 0x1f1, magic: 0x202, version: 0x206, payload: 0x248, length: 0x24c };
const magic = 'HdrS';
/** The first that says where the packed kernel lies. */
const oldestVersion = 0x0208;
const sectorBytes = 512;
/** Behind what is packed, where the format does not end with it itself. */
const sizeBytes = 4;
const largestKernel = 512 * 1024 * 1024;
const lz4Magic = 0x184c2102;
const lz4BlockBytes = 8 * 1024 * 1024;

/**
 * The kernel that a bzImage holds packed: QEMU can start it by its PVH entry, and nothing has to be unpacked inside.
 * The bytes are the distribution's.
 *
 * @returns undefined when it is packed in another way than gzip, xz, zstd and lz4, or has no such entry.
 * @throws ColdpatchError `appliance_failed` when the image contradicts itself.
 */
export async function unpackKernel(image: Uint8Array): Promise<Uint8Array | undefined> {
  const reader = binaryReader(image, { order: 'little', code: 'appliance_failed', what: 'the kernel' });
  if (reader.text(header.magic, 4) !== magic || reader.u16(header.version) < oldestVersion) return undefined;
  const sectors = (reader.u8(header.setupSectors) || 4) + 1;
  const packed = reader.bytes(sectors * sectorBytes + reader.u32(header.payload), reader.u32(header.length));
  const size = readerOf(packed).u32(packed.length - sizeBytes);
  if (size > largestKernel) throw contradiction(`${size} bytes`);
  const kernel = await unpackOrFail(packed, size);
  if (kernel === undefined) return undefined;
  if (kernel.length !== size) throw contradiction(`${kernel.length} bytes in place of ${size}`);
  return hasPvhEntry(kernel) ? kernel : undefined;
}

async function unpackOrFail(packed: Uint8Array, size: number): Promise<Uint8Array | undefined> {
  try {
    return await unpack(packed, size);
  } catch (error) {
    if (isColdpatchError(error)) throw error;
    throw contradiction((error as Error).message, error);
  }
}

async function unpack(packed: Uint8Array, size: number): Promise<Uint8Array | undefined> {
  const start = Buffer.from(packed.subarray(0, 6)).toString('latin1');
  const content = packed.subarray(0, -sizeBytes);
  const options = { maxOutputLength: Math.max(size, 1) };
  if (start.startsWith('\x1f\x8b\x08')) return gunzipSync(packed, options);
  if (start.startsWith('\x28\xb5\x2f\xfd')) return zstdDecompressSync(content, options);
  if (start === '\xfd7zXZ\0') return xz.decompress(content);
  if (readerOf(packed).u32(0) === lz4Magic) return unpackLz4(content);
  return undefined;
}

/** The "legacy frame" of lz4_Frame_format.md: blocks with their lengths, to the end. */
function unpackLz4(content: Uint8Array): Uint8Array {
  const reader = readerOf(content);
  const parts: Uint8Array[] = [];
  for (let at = 4; at < content.length; ) {
    const length = reader.u32(at);
    const block = reader.bytes(at + 4, length);
    parts.push(decompressLz4(block, { limit: lz4BlockBytes, code: 'appliance_failed', what: 'the kernel' }));
    at += 4 + length;
  }
  return Buffer.concat(parts);
}

function readerOf(bytes: Uint8Array): BinaryReader {
  return binaryReader(bytes, { order: 'little', code: 'appliance_failed', what: 'the packed kernel' });
}

function contradiction(found: string, cause?: unknown): ColdpatchError {
  return new ColdpatchError(
    'appliance_failed',
    `Expected a kernel of the size that its image says, but found ${found}. Fetch the kernel package again.`,
    { cause },
  );
}
