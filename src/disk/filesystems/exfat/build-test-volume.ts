import { entryBytes } from './layout.ts';
import { setChecksum } from './checksums.ts';

/** A file to be put into an empty volume; one without content is a directory. */
export interface TestFile {
  readonly name: string;
  readonly content?: Buffer;
  readonly files?: readonly TestFile[];
  /** Its clusters stand behind each other, and the table says nothing of them. */
  readonly isContiguous?: boolean;
  /** Bytes that count as written; all of them unless given. */
  readonly validLength?: number;
  readonly isReadOnly?: boolean;
  /** Entries of a removed file come before it. */
  readonly isAfterErased?: boolean;
}

/** 2020-02-03 04:05:06, and then 0.57 seconds, two hours east of UTC. */
const stamp = {
  time: (40 << 25) | (2 << 21) | (3 << 16) | (4 << 11) | (5 << 5) | 3,
  tens: 57,
  zone: 0x80 | 8,
};

/** Puts files into the bytes of a volume that mkfs.exfat has just made, for tests without root. */
export function buildTestVolume(bytes: Buffer, files: readonly TestFile[]): void {
  const sectorBytes = 2 ** bytes.readUInt8(108);
  const clusterBytes = sectorBytes * 2 ** bytes.readUInt8(109);
  const table = bytes.readUInt32LE(80) * sectorBytes;
  const heap = bytes.readUInt32LE(88) * sectorBytes;
  const root = bytes.readUInt32LE(96);
  const startOf = (cluster: number): number => heap + (cluster - 2) * clusterBytes;
  const bitmapEntry = Array.from({ length: 16 }, (_, index) => startOf(root) + index * entryBytes).find(
    (at) => bytes[at] === 0x81,
  ) as number;
  const bitmap = startOf(bytes.readUInt32LE(bitmapEntry + 20));
  let free = root + 1;

  function take(): number {
    const cluster = free;
    free += 1;
    const bit = cluster - 2;
    bytes.writeUInt8(bytes.readUInt8(bitmap + (bit >>> 3)) | (1 << (bit & 7)), bitmap + (bit >>> 3));
    return cluster;
  }
  function put(content: Buffer, isContiguous: boolean, first?: number): number {
    const count = Math.ceil(content.length / clusterBytes);
    const clusters = Array.from({ length: count }, (_, index) => {
      if (index === 0 && first !== undefined) {
        return first;
      }
      free += isContiguous ? 0 : 1;
      return take();
    });
    clusters.forEach((cluster, index) => {
      content.copy(bytes, startOf(cluster), index * clusterBytes, (index + 1) * clusterBytes);
      if (!isContiguous) {
        bytes.writeUInt32LE(clusters[index + 1] ?? 0xffff_ffff, table + cluster * 4);
      }
    });
    return clusters[0] ?? 0;
  }
  function setOf(file: TestFile): Buffer {
    const { name, files: below, isContiguous = false } = file;
    const content = below === undefined ? (file.content ?? Buffer.alloc(0)) : directoryOf(below, 0);
    const names = Math.ceil(name.length / 15);
    const set = Buffer.alloc((2 + names) * entryBytes);
    set.writeUInt8(0x85, 0);
    set.writeUInt8(1 + names, 1);
    set.writeUInt16LE((below === undefined ? 0x20 : 0x10) | (file.isReadOnly === true ? 1 : 0), 4);
    for (const [at, tens, zone] of [
      [8, 20, 22],
      [12, 21, 23],
    ] as const) {
      set.writeUInt32LE(stamp.time >>> 0, at);
      set.writeUInt8(stamp.tens, tens);
      set.writeUInt8(stamp.zone, zone);
    }
    set.writeUInt32LE(stamp.time >>> 0, 16);
    set.writeUInt8(stamp.zone, 24);
    set.writeUInt8(0xc0, 32);
    set.writeUInt8(content.length === 0 ? 0 : isContiguous ? 3 : 1, 33);
    set.writeUInt8(name.length, 35);
    set.writeUInt16LE(hashOf(name), 36);
    set.writeBigUInt64LE(BigInt(file.validLength ?? content.length), 40);
    set.writeUInt32LE(put(content, isContiguous), 52);
    set.writeBigUInt64LE(BigInt(content.length), 56);
    for (let part = 0; part < names; part += 1) {
      set.writeUInt8(0xc1, 64 + part * 32);
      set.write(name.slice(part * 15, part * 15 + 15), 66 + part * 32, 'utf16le');
    }
    set.writeUInt16LE(setChecksum(set), 2);
    return set;
  }
  function directoryOf(below: readonly TestFile[], before: number): Buffer {
    const sets = below.flatMap((file) => {
      const set = setOf(file);
      if (file.isAfterErased !== true) {
        return [set];
      }
      const erased = Buffer.from(set);
      for (let at = 0; at < erased.length; at += entryBytes) {
        erased.writeUInt8(erased.readUInt8(at) & 0x7f, at);
      }
      return [erased, set];
    });
    const length = sets.reduce((sum, set) => sum + set.length, before);
    const whole = Math.ceil(length / clusterBytes) * clusterBytes;
    return Buffer.concat([...sets, Buffer.alloc(whole - length)]);
  }

  const own = bytes.subarray(startOf(root), startOf(root) + clusterBytes);
  const used = Array.from({ length: clusterBytes / entryBytes }, (_, index) => index * entryBytes).find(
    (at) => own[at] === 0,
  ) as number;
  put(Buffer.concat([Buffer.from(own.subarray(0, used)), directoryOf(files, used)]), false, root);
}

/** Of ASCII letters in upper case. */
function hashOf(name: string): number {
  let hash = 0;
  for (const byte of Buffer.from(name.toUpperCase(), 'utf16le')) {
    hash = (((hash << 15) | (hash >>> 1)) + byte) & 0xffff;
  }
  return hash;
}
