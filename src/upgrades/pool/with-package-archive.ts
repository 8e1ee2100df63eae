import { type ChildProcess, spawn } from 'node:child_process';
import { ColdpatchError } from '../../lib/errors.ts';
import { cleanEnvironment } from '../../lib/run-program.ts';
import { tarEntries } from '../../lib/tar-entries.ts';

/** The files of a package, or what dpkg itself reads and runs of it. */
export type PackageArchive = '--fsys-tarfile' | '--ctrl-tarfile';

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
  const ended = endOf(child);
  try {
    const { value, isAll } = await read(tarEntries(child.stdout, { what: path, code: 'package_corrupt' }));
    if (isAll && (await ended) !== 0) throw packageCorrupt(path, 'dpkg-deb cannot read it');
    return value;
  } finally {
    child.stdout.destroy();
    child.kill('SIGKILL');
    await ended;
  }
}

export function packageCorrupt(path: string, found: string, cause?: unknown): ColdpatchError {
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
