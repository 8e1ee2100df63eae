import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ColdpatchError } from '../../lib/errors.ts';
import { type ProgramResult, runProgramOrFail } from '../../lib/run-program.ts';
import { applianceRecipe } from './recipe.ts';

export interface FetchedPackages {
  /** Absolute paths of package files, sorted. */
  readonly tools: readonly string[];
  readonly kernel: string;
}

/**
 * Fetches the packages of the appliance from the repositories that this host is configured for: its own apt solves,
 * fetches and verifies, with a package status in which nothing is installed. Needs no root.
 *
 * @throws ColdpatchError `host_tool_failed` when apt cannot.
 */
export async function fetchPackages(directory: string, signal: AbortSignal): Promise<FetchedPackages> {
  const status = join(directory, 'status');
  const tools = join(directory, 'tools');
  const kernel = join(directory, 'kernel');
  await writeFile(status, '');
  await mkdir(join(tools, 'partial'), { recursive: true });
  await mkdir(kernel);
  const apt = (file: string, args: readonly string[], workingDirectory: string): Promise<ProgramResult> =>
    runProgramOrFail({
      file,
      args: [
        ['-q', '-o', `Dir::State::status=${status}`, '-o', `Dir::Cache::archives=${tools}`],
        ['-o', `Dir::Cache::pkgcache=`, '-o', 'Dir::Cache::srcpkgcache=', '-o', 'Debug::NoLocking=true'],
        ['-o', 'APT::Sandbox::User=', '-o', 'APT::Install-Recommends=false', '-o', 'Acquire::Retries=3'],
        args,
      ].flat(),
      workingDirectory,
      timeoutSeconds: 900,
      signal,
    });
  await apt('apt-get', ['-y', '--download-only', 'install', ...applianceRecipe.packages], tools);
  const { stdout } = await apt('apt-cache', ['depends', applianceRecipe.kernelPackage], kernel);
  const name = /^ +Depends: (linux-image-[a-z0-9.+-]+)$/m.exec(stdout)?.[1];
  if (name === undefined) {
    throw new ColdpatchError(
      'host_tool_failed',
      `Expected ${applianceRecipe.kernelPackage} to depend on a kernel, but apt says: ${stdout.trim() || 'nothing'}. ` +
        'Run "apt-get update", and see that a suite with this package is configured on this host.',
    );
  }
  await apt('apt-get', ['download', name], kernel);
  const [kernelPackage] = await packagesIn(kernel);
  if (kernelPackage === undefined)
    throw new ColdpatchError('host_tool_failed', `Expected apt to fetch ${name}, but it left no package.`);
  return { tools: await packagesIn(tools), kernel: kernelPackage };
}

async function packagesIn(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory);
  return names
    .filter((name) => name.endsWith('.deb'))
    .toSorted()
    .map((name) => join(directory, name));
}
