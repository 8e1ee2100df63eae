import type { ByteSource } from '../../../lib/byte-source.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { continuation, sectorBytes, systemUse } from './layout.ts';
import { readInside } from './read-inside.ts';

export interface SystemUseEntry {
  /** Two letters. */
  readonly signature: string;
  /** With its header of four bytes. */
  readonly bytes: Buffer;
}

/** Linux follows no more of them for one record. */
const mostContinuations = 32;

/**
 * The entries of a record's system use area and of the areas that go on with it, which may form no loop.
 * @param onContinuation called for each area that goes on with another: to count those of many records together.
 */
export function* systemUseEntries(
  metadata: ByteSource,
  first: Buffer,
  onContinuation?: () => void,
): Generator<SystemUseEntry> {
  let area: Buffer | undefined = first;
  for (let areas = 0; area !== undefined; areas += 1) {
    if (areas > mostContinuations) {
      throw filesystemCorrupt(`Expected at most ${mostContinuations} continuations of a record, not more.`);
    }
    let next: Buffer | undefined;
    for (const entry of entriesOf(area)) {
      if (entry.signature === 'CE') {
        onContinuation?.();
        next = readContinuation(metadata, entry.bytes);
      } else {
        yield entry;
      }
    }
    area = next;
  }
}

function* entriesOf(area: Buffer): Generator<SystemUseEntry> {
  let at = 0;
  while (at + systemUse.data <= area.length && area.readUInt8(at) !== 0) {
    const signature = area.toString('latin1', at, at + 2);
    const length = area.readUInt8(at + systemUse.length);
    if (signature === 'ST') {
      return;
    }
    if (length < systemUse.data || at + length > area.length) {
      throw filesystemCorrupt(
        `Expected an entry of a system use area, but ${length} bytes are left for ${area.length}.`,
      );
    }
    yield { signature, bytes: area.subarray(at, at + length) };
    at += length;
  }
}

function readContinuation(metadata: ByteSource, bytes: Buffer): Buffer {
  assertLength(bytes, continuation.bytes);
  const offset = bytes.readUInt32LE(continuation.offset);
  const size = bytes.readUInt32LE(continuation.size);
  if (offset + size > sectorBytes) {
    throw filesystemCorrupt(
      `Expected the continuation of a record in one sector, but it has ${size} bytes at ${offset}.`,
    );
  }
  return readInside(metadata, bytes.readUInt32LE(continuation.block) * sectorBytes + offset, size);
}

/** Refuses an entry that is shorter than its fields. */
export function assertLength(bytes: Buffer, least: number): void {
  if (bytes.length < least) {
    const signature = bytes.toString('latin1', 0, 2);
    throw filesystemCorrupt(`Expected ${least} bytes in an entry ${signature}, not ${bytes.length}.`);
  }
}
