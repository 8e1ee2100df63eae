import { ColdpatchError } from '../../../lib/errors.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { compact, fileProvider, relativeLinkFlag, reparse, reparseTag, xpressChunks } from './layout.ts';
import { structureReader } from './structure-reader.ts';

/** A reparse point: what Windows does instead of opening the file. */
export interface ReparsePoint {
  readonly tag: number;
  /** Of symbolic links and junctions, in the form of POSIX. */
  readonly target?: string;
  /** Of files that CompactOS compressed by XPRESS: bytes of content in a chunk. */
  readonly chunkBytes?: number;
}

const linuxLinkVersion = 2;

export function parseReparsePoint(bytes: Uint8Array, what: string): ReparsePoint {
  const reader = structureReader(bytes, `the reparse point of ${what}`);
  const tag = reader.u32(reparse.tag);
  const end = reparse.data + reader.u16(reparse.dataLength);
  const name = (start: number): string =>
    Buffer.from(
      reader.bytes(start + reader.u16(reparse.nameOffset), reader.u16(reparse.nameLength)),
    ).toString('utf16le');
  switch (tag) {
    case reparseTag.junction:
      return { tag, target: posixTarget(name(reparse.junctionNames), false, what) };
    case reparseTag.symbolicLink: {
      const isRelative = (reader.u32(reparse.linkFlags) & relativeLinkFlag) !== 0;
      return { tag, target: posixTarget(name(reparse.linkNames), isRelative, what) };
    }
    case reparseTag.linuxLink: {
      const version = reader.u32(reparse.data);
      if (version !== linuxLinkVersion) {
        throw new ColdpatchError(
          'filesystem_unsupported',
          `Expected a Linux link of version ${linuxLinkVersion} in ${what}, but found ${version}.`,
        );
      }
      const start = reparse.data + 4;
      return { tag, target: Buffer.from(reader.bytes(start, end - start)).toString('utf8') };
    }
    case reparseTag.compactOs: {
      const isFile = reader.u32(compact.provider) === fileProvider;
      const chunkBytes = isFile ? xpressChunks.get(reader.u32(compact.algorithm)) : undefined;
      return chunkBytes === undefined ? { tag } : { tag, chunkBytes };
    }
    default:
      return { tag };
  }
}

/** `\??\C:\Users` becomes `/C:/Users`: absolute as it was, the drive its first part. */
function posixTarget(stored: string, isRelative: boolean, what: string): string {
  if (stored === '') {
    throw filesystemCorrupt(`Expected the link in ${what} to have a target, but it is empty.`);
  }
  const slashed = stored.replaceAll('\\', '/');
  return isRelative ? slashed : `/${slashed.replace(/^\/(?:\?\?|\/[?.])\//, '').replace(/^\/+/, '')}`;
}
