import { copyFile, link, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgramOrFail } from '../../../lib/run-program.ts';
import { mapConcurrently } from '../../../lib/map-concurrently.ts';
import { hasErrorCode } from '../../../lib/has-error-code.ts';
import type { EngineInput } from '../types.ts';

/** Makes a flat apt repository of exactly `packages` in `directory`, which is made. */
export async function makeLocalRepository(
  directory: string,
  packages: EngineInput['packages'],
  signal: AbortSignal,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const stanzas = await mapConcurrently(packages, 4, signal, async ({ path, sha256, size }) => {
    const name = `${sha256}.deb`;
    await linkOrCopy(path, join(directory, name));
    const control = await runProgramOrFail({
      file: 'dpkg-deb',
      args: ['--field', path],
      timeoutSeconds: 60,
      signal,
    });
    return `${control.stdout.trimEnd()}\nFilename: ./${name}\nSize: ${size}\nSHA256: ${sha256}\n`;
  });
  await writeFile(join(directory, 'Packages'), stanzas.join('\n'));
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!hasErrorCode(error, 'EXDEV', 'EPERM', 'EMLINK')) throw error;
    await copyFile(from, to);
  }
}
