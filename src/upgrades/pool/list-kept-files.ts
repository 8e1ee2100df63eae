import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode } from '../../lib/has-error-code.ts';

/** A file of the cache that is named by a digest. */
export interface KeptFile {
  /** Below the cache directory, with slashes. */
  readonly name: string;
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** When it was used last, or made. */
  readonly usedAt: Date;
}

/** What the cache keeps, and what its files are named for: all that is carried from one host to another. */
export const keptKinds = {
  package: /^pool\/sha256\/([0-9a-f]{2})\/(\1[0-9a-f]{62})\.deb$/,
  list: /^metadata\/sha256\/([0-9a-f]{2})\/(\1[0-9a-f]{62})$/,
  unpackedName: /^metadata\/unpacked\/[0-9a-f]{64}$/,
  signedRelease: /^metadata\/signed\/[0-9a-f]{64}\.json$/,
  newestRelease: /^metadata\/releases\/[0-9a-f]{64}\.json$/,
} as const;

export type KeptKind = keyof typeof keptKinds;

/** Which kind a name is of; undefined for everything else. */
export function kindOfKept(name: string): KeptKind | undefined {
  const kinds = Object.keys(keptKinds) as KeptKind[];
  return kinds.find((kind) => keptKinds[kind].test(name));
}

/** The kept files of all kinds, by their names. Unfinished and foreign files are left out. */
export async function listKeptFiles(cacheDirectory: string): Promise<readonly KeptFile[]> {
  const found: KeptFile[] = [];
  for (const top of [
    'pool/sha256',
    'metadata/sha256',
    'metadata/unpacked',
    'metadata/signed',
    'metadata/releases',
  ]) {
    for (const below of await readdir(join(cacheDirectory, top), { recursive: true }).catch(
      noneWhenMissing,
    )) {
      const name = `${top}/${below}`;
      if (kindOfKept(name) === undefined) continue;
      const path = join(cacheDirectory, name);
      const { size, mtime } = await stat(path);
      found.push({ name, path, size, usedAt: mtime });
    }
  }
  return found.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

function noneWhenMissing(error: unknown): string[] {
  if (hasErrorCode(error, 'ENOENT')) return [];
  throw error;
}
