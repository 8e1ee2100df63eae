import { assertInside, type ByteSource } from '../../../lib/byte-source.ts';
import { createLruCache, type LruCache } from '../../../lib/lru-cache.ts';
import { decompress } from './decompress.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { inodeFlag, itemType } from './layout.ts';
import { type Extent, type InlineExtent, parseExtent, type StoredExtent } from './parse-extent.ts';
import type { Inode } from './parse-inode.ts';
import type { ReadData } from './read-data.ts';
import type { Tree } from './tree.ts';

/** Content that was decompressed last, for all files of a filesystem. */
export type PlainCache = LruCache<string, Uint8Array>;

/** 32 extents of 128 KiB. */
export function createPlainCache(): PlainCache {
  return createLruCache(32);
}

export interface ContentRequest {
  readonly tree: Tree;
  readonly number: bigint;
  readonly inode: Inode;
  readonly sectorSize: number;
  readonly readData: ReadData;
  readonly plainCache: PlainCache;
}

/** Read and verified at once. */
const bounceBytes = 256 * 1024;

interface Run {
  /** Where the extent begins in the file. */
  readonly start: bigint;
  readonly extent: Extent;
}

/** The content of a file as a source: extents are looked up and verified as they are asked for. */
export function fileContent(request: ContentRequest): ByteSource {
  const { tree, number, inode, sectorSize } = request;
  const what = `an extent of inode ${number}`;
  const size = inode.size;
  let lastRun: Run | undefined;

  /** The extent at a byte of the file; what no extent covers is a hole up to the next one. */
  function runAt(position: bigint): Run {
    if (lastRun !== undefined && covers(lastRun, position)) {
      return lastRun;
    }
    const key = { objectId: number, type: itemType.fileExtent, offset: position };
    const item = tree.findAtMost(key);
    let end = 0n;
    if (item !== undefined && item.key.objectId === number && item.key.type === itemType.fileExtent) {
      const start = item.key.offset;
      lastRun = { start, extent: parseExtent(item.data, what, sectorSize) };
      if (start % BigInt(sectorSize) !== 0n || (lastRun.extent.kind === 'inline' && start !== 0n)) {
        throw filesystemCorrupt(`Expected ${what} to begin at a sector of the file, found byte ${start}.`);
      }
      if (covers(lastRun, position)) {
        return lastRun;
      }
      end = start + lastRun.extent.length;
    }
    const next = tree.itemsOf(number, itemType.fileExtent, position + 1n).next().value?.key.offset ?? size;
    lastRun = { start: end, extent: { kind: 'hole', length: (next < size ? next : size) - end } };
    return lastRun;
  }
  return {
    size,
    read(offset, into) {
      assertInside({ size }, offset, into.length);
      for (let done = 0; done < into.length; ) {
        const position = offset + BigInt(done);
        const { start, extent } = runAt(position);
        const within = position - start;
        const rest = extent.length - within;
        const left = into.length - done;
        const part = into.subarray(done, done + (rest < BigInt(left) ? Number(rest) : left));
        readPart(request, extent, within, part);
        done += part.length;
      }
    },
  };
}

function covers({ start, extent }: Run, position: bigint): boolean {
  return position >= start && position < start + extent.length;
}

function readPart(request: ContentRequest, extent: Extent, within: bigint, part: Uint8Array): void {
  if (extent.kind === 'hole') {
    part.fill(0);
  } else if (extent.kind === 'inline') {
    part.set(inlineContent(request, extent).subarray(Number(within), Number(within) + part.length));
  } else if (extent.compression === 'none') {
    readPlain(request, extent, within, part);
  } else {
    const from = Number(extent.offset + within);
    part.set(compressedContent(request, extent, extent.compression).subarray(from, from + part.length));
  }
}

function inlineContent({ number, sectorSize }: ContentRequest, extent: InlineExtent): Uint8Array {
  const { compression, data, length } = extent;
  const what = `the inline extent of inode ${number}`;
  return compression === 'none'
    ? data
    : decompress(data, { compression, length: Number(length), sectorSize, what });
}

/** Checksums are those of whole sectors, so a read begins and ends with one. */
function readPlain(request: ContentRequest, extent: StoredExtent, within: bigint, part: Uint8Array): void {
  const { sectorSize } = request;
  const verify = isVerified(request);
  const start = extent.address + extent.offset + within;
  for (let done = 0; done < part.length; ) {
    const at = start + BigInt(done);
    const skipped = Number(at % BigInt(sectorSize));
    const wanted = Math.min(part.length - done, bounceBytes - skipped);
    const whole = Math.ceil((skipped + wanted) / sectorSize) * sectorSize;
    const isWhole = skipped === 0 && whole === wanted;
    const bytes = isWhole ? part.subarray(done, done + whole) : new Uint8Array(whole);
    request.readData(at - BigInt(skipped), bytes, { verify });
    if (!isWhole) {
      part.set(bytes.subarray(skipped, skipped + wanted), done);
    }
    done += wanted;
  }
}

function compressedContent(
  request: ContentRequest,
  extent: StoredExtent,
  compression: Exclude<StoredExtent['compression'], 'none'>,
): Uint8Array {
  const { number, sectorSize, plainCache, readData } = request;
  const verify = isVerified(request);
  const key = `${extent.address} ${extent.diskBytes} ${extent.memoryBytes} ${compression} ${verify}`;
  const known = plainCache.get(key);
  if (known !== undefined) {
    return known;
  }
  const data = new Uint8Array(Number(extent.diskBytes));
  readData(extent.address, data, { verify });
  const length = Number(extent.memoryBytes);
  const what = `a compressed extent of inode ${number}`;
  const plain = decompress(data, { compression, length, sectorSize, what });
  plainCache.set(key, plain);
  return plain;
}

function isVerified({ inode }: ContentRequest): boolean {
  return (inode.flags & inodeFlag.noDataChecksum) === 0n;
}
