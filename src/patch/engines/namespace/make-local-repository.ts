import { copyFile, link, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgramOrFail } from '../../../lib/run-program.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { hasErrorCode } from '../../../lib/has-error-code.ts';
import type { EngineInput } from '../types.ts';

/** dpkg itself reads no more of a control file than some hundred KiB. */
const mostControlBytes = 1024 * 1024;

/**
 * Makes a flat apt repository of exactly `packages` in `directory`, which is made.
 * @returns the names of their files: those that apt gives them in its own cache, where it does not digest them again.
 */
export async function makeLocalRepository(
  directory: string,
  packages: EngineInput['packages'],
  signal: AbortSignal,
): Promise<readonly string[]> {
  await mkdir(directory, { recursive: true });
  const controls = await readControls(packages, signal);
  const names: string[] = [];
  const stanzas: string[] = [];
  for (const [index, { path, sha256, size }] of packages.entries()) {
    const control = controls[index] ?? '';
    const name = archiveNameOf(control);
    await linkOrCopy(path, join(directory, name));
    // apt takes this for a part of an address.
    const address = name.replaceAll('%', '%25');
    names.push(name);
    stanzas.push(`${control}\nFilename: ./${address}\nSize: ${size}\nSHA256: ${sha256}\n`);
  }
  await writeFile(join(directory, 'Packages'), stanzas.join('\n'));
  return names;
}

/** The control paragraphs of packages, in their order: by one shell, because to start a program costs us most. */
async function readControls(
  packages: EngineInput['packages'],
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (packages.length === 0) return [];
  const { stdout } = await runProgramOrFail({
    file: 'sh',
    args: [
      ['-ec', 'for file; do dpkg-deb --field "$file"; echo; done', 'sh'],
      packages.map(({ path }) => path),
    ].flat(),
    timeoutSeconds: 600,
    maxOutputBytes: mostControlBytes * packages.length,
    signal,
  });
  const controls = stdout.trim().split(/\n{2,}/);
  if (controls.length === packages.length) return controls;
  throw new ColdpatchError(
    'host_tool_failed',
    `Expected one paragraph for each of ${packages.length} packages from dpkg-deb --field, but got ${controls.length}.`,
  );
}

/** As apt composes it in pkgAcqArchive: with `_` between the fields, and `%5f` and `%3a` for `_` and `:` in them. */
function archiveNameOf(control: string): string {
  const fields = ['Package', 'Version', 'Architecture'].map((name) => {
    const value = new RegExp(`^${name}: *([!-~]+)$`, 'm').exec(control)?.[1] ?? '';
    return value.replaceAll('_', '%5f').replaceAll(':', '%3a').replaceAll('/', '%2f');
  });
  return `${fields.join('_')}.deb`;
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!hasErrorCode(error, 'EXDEV', 'EPERM', 'EMLINK')) throw error;
    await copyFile(from, to);
  }
}
