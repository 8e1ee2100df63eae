import { type ChildProcess, spawn } from 'node:child_process';
import { gunzipSync } from 'node:zlib';
import { ColdpatchError } from '../../lib/errors.ts';
import { cleanEnvironment } from '../../lib/run-program.ts';
import { tarEntries } from '../../lib/tar-entries.ts';

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
  const child = spawn('dpkg-deb', ['--fsys-tarfile', path], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: cleanEnvironment(),
    ...(signal && { signal }),
  });
  const ended = endOf(child);
  try {
    const found = await findChangelog(child.stdout, path);
    // After a whole reading, dpkg-deb has the last word on whether it was one.
    if (found?.isMaintainers !== true && (await ended) !== 0) throw corrupt(path, 'dpkg-deb cannot read it');
    return found && gunzip(found.packed, path);
  } finally {
    child.stdout.destroy();
    child.kill('SIGKILL');
    await ended;
  }
}

async function findChangelog(members: AsyncIterable<Uint8Array>, path: string) {
  let found: Buffer | undefined;
  for await (const entry of tarEntries(members, { what: path, code: 'package_corrupt' })) {
    const rank = places.findIndex((place) => place.test(entry.name));
    if (rank === -1 || entry.type !== '0' || entry.size > packedLimit) continue;
    const parts: Uint8Array[] = [];
    for await (const part of entry.content) parts.push(part);
    found = Buffer.concat(parts);
    if (rank === 0) return { packed: found, isMaintainers: true };
  }
  return found && { packed: found, isMaintainers: false };
}

function gunzip(packed: Buffer, path: string): string {
  try {
    return gunzipSync(packed, { maxOutputLength: unpackedLimit }).toString('utf8');
  } catch (error) {
    throw corrupt(path, `its changelog cannot be unpacked, or not to ${unpackedLimit} bytes`, error);
  }
}

function corrupt(path: string, found: string, cause?: unknown): ColdpatchError {
  return new ColdpatchError('package_corrupt', `Expected a Debian package in ${path}, but ${found}.`, {
    cause,
  });
}

/** The exit code; null after a signal. */
async function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.on('exit', resolve);
    child.on('error', (cause) => {
      if (cause.name === 'AbortError') return;
      const message =
        'Expected the program dpkg-deb on this host, but it could not be started. It is in the package dpkg.';
      reject(new ColdpatchError('host_tool_missing', message, { cause }));
    });
  });
}
