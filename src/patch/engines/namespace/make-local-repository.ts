import { copyFile, link, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgramOrFail } from '../../../lib/run-program.ts';
import { mapConcurrently } from '../../../lib/map-concurrently.ts';
import { hasErrorCode } from '../../../lib/has-error-code.ts';
import type { EngineInput } from '../types.ts';

type PackageFile = EngineInput['packages'][number];

/** A package file in the repository. */
export interface PlacedPackage {
  /** Of the file. */
  readonly name: string;
  readonly sha256: string;
  readonly size: number;
}

/**
 * Puts a package into `directory`.
 * @param archiveName what apt calls the file in its cache.
 */
export type PlacePackage = (
  file: PackageFile,
  directory: string,
  archiveName: string,
) => Promise<PlacedPackage>;

/** Makes a flat apt repository of exactly `packages` in `directory`, which is made. */
export async function makeLocalRepository(
  directory: string,
  packages: readonly PackageFile[],
  signal: AbortSignal,
  place: PlacePackage = linkOrCopy,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const stanzas = await mapConcurrently(packages, 4, signal, async (file) => {
    const { stdout } = await runProgramOrFail({
      file: 'dpkg-deb',
      args: ['--field', file.path],
      timeoutSeconds: 60,
      signal,
    });
    const { name, size, sha256 } = await place(file, directory, archiveNameOf(stdout));
    return `${stdout.trimEnd()}\nFilename: ./${name}\nSize: ${size}\nSHA256: ${sha256}\n`;
  });
  await writeFile(join(directory, 'Packages'), stanzas.join('\n'));
}

/** As apt composes it in pkgAcqArchive: with `_` between the fields, and `%5f` and `%3a` for `_` and `:` in them. */
function archiveNameOf(control: string): string {
  const fields = ['Package', 'Version', 'Architecture'].map((name) => {
    const value = new RegExp(`^${name}: *([!-~]+)$`, 'm').exec(control)?.[1] ?? '';
    return value.replaceAll('_', '%5f').replaceAll(':', '%3a').replaceAll('/', '%2f');
  });
  return `${fields.join('_')}.deb`;
}

async function linkOrCopy(file: PackageFile, directory: string): Promise<PlacedPackage> {
  const { path: from, sha256, size } = file;
  const name = `${sha256}.deb`;
  const to = join(directory, name);
  try {
    await link(from, to);
  } catch (error) {
    if (!hasErrorCode(error, 'EXDEV', 'EPERM', 'EMLINK')) throw error;
    await copyFile(from, to);
  }
  return { name, sha256, size };
}
