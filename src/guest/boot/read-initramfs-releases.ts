import { ColdpatchError } from '../../lib/errors.ts';
import type { Gap } from '../../lib/gap.ts';
import { gapOfError } from '../read-or-gap.ts';
import { byteStream } from './byte-stream.ts';
import { compressionOf } from './decompress.ts';
import { walkCpio } from './walk-cpio.ts';

export interface InitramfsReleases {
  /** Releases of the kernels whose modules lie inside. */
  readonly releases: ReadonlySet<string>;
  readonly gaps: readonly Gap[];
}

const defaultLimit = 2 * 1024 * 1024 * 1024;
const modulesPath = /^(?:\.?\/)?(?:usr\/)?lib\/modules\/([^/]+)\/./;
const maximumReleases = 100;

/**
 * For which kernels an initramfs was built. It is a row of cpio archives: uncompressed ones first (microcode), the
 * last one often compressed. gzip, zstd and xz are read.
 *
 * @param limit bytes of all archives after decompression; 2 GiB unless given.
 */
export async function readInitramfsReleases(
  bytes: Uint8Array,
  { limit = defaultLimit }: { readonly limit?: number } = {},
): Promise<InitramfsReleases> {
  const releases = new Set<string>();
  const gaps: Gap[] = [];
  try {
    const rest = await readArchives(bytes, releases, limit);
    const compression = rest.length === 0 ? undefined : compressionOf(rest);
    if (compression?.decompress !== undefined) {
      await readCompressed(compression.decompress(rest), releases, limit);
    } else if (rest.length > 0) {
      const detail =
        compression === undefined ? 'neither cpio nor compressed' : `compressed by ${compression.name}`;
      gaps.push({ where: 'initramfs', reason: 'unsupported', detail: `an archive is ${detail}` });
    }
  } catch (error) {
    gaps.push(gapOfError('initramfs', error));
  }
  return { releases, gaps };
}

/** Reads the plain archives at the beginning; returns what follows them. */
async function readArchives(bytes: Uint8Array, releases: Set<string>, limit: number): Promise<Uint8Array> {
  let at = 0;
  for (;;) {
    while (bytes[at] === 0) at += 1;
    if (!startsArchive(bytes, at)) return bytes.subarray(at);
    const stream = byteStream([bytes.subarray(at)], limit);
    for await (const name of walkCpio(stream)) addRelease(name, releases);
    at += stream.position;
  }
}

async function readCompressed(
  pieces: AsyncIterable<Uint8Array>,
  releases: Set<string>,
  limit: number,
): Promise<void> {
  const stream = byteStream(translateErrors(pieces), limit);
  for (;;) {
    await stream.skipZeros();
    if ((await stream.peek()) === undefined) return;
    for await (const name of walkCpio(stream)) addRelease(name, releases);
  }
}

async function* translateErrors(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* pieces;
  } catch (error) {
    throw new ColdpatchError('image_corrupt', `The initramfs could not be decompressed: ${String(error)}`, {
      cause: error,
    });
  }
}

function startsArchive(bytes: Uint8Array, at: number): boolean {
  const magic = Buffer.from(bytes.subarray(at, at + 6)).toString('latin1');
  return magic === '070701' || magic === '070702';
}

function addRelease(name: string, releases: Set<string>): void {
  const release = modulesPath.exec(name)?.[1];
  if (release !== undefined && releases.size < maximumReleases) releases.add(release);
}
