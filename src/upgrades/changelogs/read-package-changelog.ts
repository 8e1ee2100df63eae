import { gunzipSync } from 'node:zlib';
import { packageCorrupt, withPackageArchive } from '../pool/with-package-archive.ts';

/** Debian Policy 12.7: the maintainer's changelog, and for native packages (and the kernel) the only one. */
const places = [
  /^\.\/usr\/share\/doc\/[^/]+\/changelog\.Debian(?:\.[a-z0-9]+)?\.gz$/,
  /^\.\/usr\/share\/doc\/[^/]+\/changelog\.gz$/,
];
const packedLimit = 8 * 1024 * 1024;
const unpackedLimit = 64 * 1024 * 1024;

/**
 * The changelog that a package file (.deb) brings, or undefined when it brings none:
 * packages of one source often share that of one of them.
 *
 * @throws ColdpatchError `package_corrupt`, `host_tool_missing`
 */
export async function readPackageChangelog(path: string, signal?: AbortSignal): Promise<string | undefined> {
  const packed = await withPackageArchive(path, '--fsys-tarfile', findChangelog, signal);
  return packed && gunzip(packed, path);
}

type Members = Parameters<Parameters<typeof withPackageArchive>[2]>[0];

async function findChangelog(members: Members) {
  let found: Buffer | undefined;
  for await (const entry of members) {
    const rank = places.findIndex((place) => place.test(entry.name));
    if (rank === -1 || entry.type !== '0' || entry.size > packedLimit) continue;
    const parts: Uint8Array[] = [];
    for await (const part of entry.content) parts.push(part);
    found = Buffer.concat(parts);
    if (rank === 0) return { value: found, isAll: false };
  }
  return { value: found, isAll: true };
}

function gunzip(packed: Buffer, path: string): string {
  try {
    return gunzipSync(packed, { maxOutputLength: unpackedLimit }).toString('utf8');
  } catch (error) {
    throw packageCorrupt(path, `its changelog cannot be unpacked, or not to ${unpackedLimit} bytes`, error);
  }
}
