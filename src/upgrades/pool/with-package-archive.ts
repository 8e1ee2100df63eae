import { type ChildProcess, spawn } from 'node:child_process';
import { ColdpatchError } from '../../lib/errors.ts';
import { cleanEnvironment } from '../../lib/run-program.ts';
import { tarEntries } from '../../lib/tar-entries.ts';

/** The files of a package, or what dpkg itself reads and runs of it. */
export type PackageArchive = '--fsys-tarfile' | '--ctrl-tarfile';

/** Bytes after the end of an archive. */
const mostPadding = 1024 * 1024;

/**
 * Reads one of the two archives in a package file (.deb), member by member. dpkg-deb unpacks; nothing is run.
 * `read` says whether it read all: then dpkg-deb has the last word on whether it was a package.
 *
 * @throws ColdpatchError `package_corrupt`, `host_tool_missing`
 */
export async function withPackageArchive<T>(
  path: string,
  archive: PackageArchive,
  read: (members: ReturnType<typeof tarEntries>) => Promise<{ readonly value: T; readonly isAll: boolean }>,
  signal?: AbortSignal,
): Promise<T> {
  const child = spawn('dpkg-deb', [archive, path], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: cleanEnvironment(),
    ...(signal && { signal }),
  });
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  await started(child);
  const output: AsyncIterableIterator<Uint8Array> = child.stdout[Symbol.asyncIterator]();
  try {
    const { value, isAll } = await read(tarEntries(output, { what: path, code: 'package_corrupt' }));
    if (!isAll) return value;
    await passOver(output, path);
    if ((await ended) !== 0) throw packageCorrupt(path, 'dpkg-deb cannot read it');
    return value;
  } finally {
    child.stdout.destroy();
    child.kill('SIGKILL');
    await ended;
  }
}

/** Archives are filled up with zeros, and dpkg-deb ends when it could write all of them. */
async function passOver(output: AsyncIterable<Uint8Array>, path: string): Promise<void> {
  let left = mostPadding;
  for await (const part of output) {
    left -= part.length;
    if (left < 0) throw packageCorrupt(path, 'its archive goes on after its end');
  }
}

export function packageCorrupt(path: string, found: string, cause?: unknown): ColdpatchError {
  return new ColdpatchError('package_corrupt', `Expected a Debian package in ${path}, but ${found}.`, {
    cause,
  });
}

async function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on('spawn', resolve);
    // Of a signal too, at any time.
    child.on('error', (cause) => {
      if (cause.name === 'AbortError') reject(cause);
      const message =
        'Expected the program dpkg-deb on this host, but it could not be started. It is in the package dpkg.';
      reject(new ColdpatchError('host_tool_missing', message, { cause }));
    });
  });
}
