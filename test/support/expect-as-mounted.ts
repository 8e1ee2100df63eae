import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, readlinkSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Filesystem, FileType } from '../../src/disk/filesystems/types.ts';
import { readBytes } from '../../src/lib/byte-source.ts';

export interface ComparedTree {
  /** Files and directories that were compared. */
  readonly paths: number;
  /** Names beyond the first of files that have several. */
  readonly hardLinks: number;
  readonly attributes: number;
}

/**
 * What our reader says of every file is what the filesystem's own driver says, mounted at `mountPoint`.
 * @param hasAttributes false when that driver knows no extended attributes.
 */
export function expectAsMounted(
  filesystem: Filesystem,
  mountPoint: string,
  hasAttributes = true,
): ComparedTree {
  const found = { paths: 0, hardLinks: 0, attributes: 0 };
  const attributes = hasAttributes ? attributesBelow(mountPoint) : new Map<string, never>();
  const numbers = new Map<number, bigint>();
  const pending = [{ inode: filesystem.rootInode, path: mountPoint }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { inode, path } = next;
    const expected = lstatSync(path, { bigint: true });
    expect(describe(filesystem, inode), path).toEqual(describeMounted(expected));
    const number = numbers.get(inode);
    found.hardLinks += number === undefined ? 0 : 1;
    expect(number ?? expected.ino, path).toBe(expected.ino);
    numbers.set(inode, expected.ino);
    const read = [...filesystem.extendedAttributes(inode)];
    expect(Object.fromEntries(read.map(([name, value]) => [name, hexadecimal(value)])), path).toEqual(
      attributes.get(path) ?? {},
    );
    found.attributes += read.length;
    found.paths += 1;
    if (expected.isDirectory()) {
      const entries = filesystem.readDirectory(inode);
      expect(entries.map(({ name }) => name).toSorted(), path).toEqual(readdirSync(path).toSorted());
      pending.push(...entries.map((entry) => ({ inode: entry.inode, path: join(path, entry.name) })));
    } else if (expected.isSymbolicLink()) {
      expect(filesystem.readLink(inode), path).toBe(readlinkSync(path));
    } else if (expected.isFile()) {
      const file = filesystem.openFile(inode);
      expect(readBytes(file, 0n, Number(file.size)).equals(readFileSync(path)), path).toBe(true);
    }
  }
  return found;
}

function describe(filesystem: Filesystem, inode: number): Record<string, unknown> {
  const { type, mode, uid, gid, linkCount, size, modifiedAt, device } = filesystem.status(inode);
  return {
    type,
    mode,
    uid,
    gid,
    modifiedAt,
    ...(type === 'directory' ? {} : { linkCount }),
    ...(type === 'file' || type === 'symlink' ? { size } : {}),
    ...(device === undefined ? {} : { device }),
  };
}

function describeMounted(status: BigIntStats): Record<string, unknown> {
  const type = typeOf(status);
  return {
    type,
    mode: Number(status.mode & 0o7777n),
    uid: Number(status.uid),
    gid: Number(status.gid),
    modifiedAt: status.mtimeNs,
    ...(type === 'directory' ? {} : { linkCount: Number(status.nlink) }),
    ...(type === 'file' || type === 'symlink' ? { size: status.size } : {}),
    ...(type === 'character-device' || type === 'block-device' ? { device: deviceOf(status.rdev) } : {}),
  };
}

function typeOf(status: BigIntStats): FileType {
  if (status.isDirectory()) return 'directory';
  if (status.isSymbolicLink()) return 'symlink';
  if (status.isCharacterDevice()) return 'character-device';
  if (status.isBlockDevice()) return 'block-device';
  if (status.isFIFO()) return 'fifo';
  return status.isSocket() ? 'socket' : 'file';
}

/** As glibc joins them: makedev(3). */
function deviceOf(number: bigint): { major: number; minor: number } {
  return {
    major: Number(((number >> 8n) & 0xfffn) | ((number >> 32n) & 0xfffff000n)),
    minor: Number((number & 0xffn) | ((number >> 12n) & 0xffffff00n)),
  };
}

/** Of every path that has some. */
function attributesBelow(mountPoint: string): ReadonlyMap<string, Record<string, string>> {
  const parameters = ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '--absolute-names', mountPoint];
  const dump = execFileSync('getfattr', parameters, { maxBuffer: 256 * 1024 * 1024 }).toString('latin1');
  const attributes = new Map<string, Record<string, string>>();
  for (const part of dump.split(/^# file: /m).slice(1)) {
    const [path = '', ...lines] = part.split('\n');
    const values = lines.filter((line) => line !== '').map((line) => line.split('='));
    attributes.set(
      unescapeOctal(path),
      Object.fromEntries(values.map(([name = '', value = '0x']) => [name, value])),
    );
  }
  return attributes;
}

/** getfattr writes odd bytes of a path as `\040`. */
function unescapeOctal(path: string): string {
  const bytes = path.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

function hexadecimal(value: Uint8Array): string {
  return `0x${Buffer.from(value).toString('hex')}`;
}
