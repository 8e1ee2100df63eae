import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { syncDirectory, syncFile, writeFileDurably } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { asHostSpaceError } from '../../lib/host-space-error.ts';
import { runProgramOrFail } from '../../lib/run-program.ts';
import {
  applianceDigest,
  applianceDirectory,
  currentFile,
  type FileDigests,
  fileNames,
  manifestName,
} from '../appliance-files.ts';
import { openAppliance } from '../open-appliance.ts';
import type { Appliance, ApplianceManifest } from '../types.ts';
import { fetchPackages } from './fetch-packages.ts';
import { type KernelModule, kernelModules } from './kernel-modules.ts';
import { applianceRecipe } from './recipe.ts';
import { selectFiles } from './select-files.ts';
import { unpackKernel } from './unpack-kernel.ts';
import { type CpioEntry, writeCpio } from './write-cpio.ts';

export interface BuildOptions {
  readonly cacheDirectory: string;
  readonly signal: AbortSignal;
}

/** Where the agent and the jobs mount something. */
const mountPoints = ['dev', 'guest', 'job', 'proc', 'run', 'sys', 'tmp'];

const agent = join(import.meta.dirname, 'agent.sh');

/**
 * Builds the appliance from packages of this host's distribution and makes it the one in use.
 * The same packages give the same bytes, and the same digest. Needs no root.
 *
 * @throws ColdpatchError `host_tool_failed` when apt cannot deliver, `appliance_failed` when the packages are not as expected,
 * `host_space`.
 */
export async function buildAppliance({ cacheDirectory, signal }: BuildOptions): Promise<Appliance> {
  const directory = applianceDirectory(cacheDirectory);
  assertProcessor();
  await mkdir(directory, { recursive: true });
  await removeUnfinished(directory);
  const work = await mkdtemp(join(directory, unfinishedPrefix));
  try {
    const fetched = await fetchPackages(work, signal);
    const trees = { tools: join(work, 'tree'), kernel: join(work, 'kernel-tree') };
    for (const path of fetched.tools) await unpack(path, trees.tools, signal);
    await unpack(fetched.kernel, trees.kernel, signal);
    const built = join(work, 'built');
    await mkdir(built, { mode: 0o755 });
    const manifest = await assemble(trees, [...fetched.tools, fetched.kernel], built);
    await put(built, join(directory, manifest.digest));
    await writeFileDurably(currentFile(cacheDirectory), `${manifest.digest}\n`, 0o644);
    return await openAppliance(cacheDirectory);
  } catch (error) {
    throw asHostSpaceError(error, directory);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const unfinishedPrefix = '.unfinished-';

/** A build that was killed leaves its directory; one that is under way is younger than an hour. */
async function removeUnfinished(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(unfinishedPrefix)) continue;
    const path = join(directory, name);
    await runProgramOrFail({
      file: 'find',
      args: [path, '-maxdepth', '0', '-mmin', '+60', '-exec', 'rm', '-rf', '--', '{}', '+'],
      timeoutSeconds: 60,
    });
  }
}

function assertProcessor(): void {
  if (process.arch === 'x64') return;
  throw new ColdpatchError(
    'appliance_failed',
    `Expected a host with an amd64 processor, but this is ${process.arch}: there is no appliance for it yet. Use --engine namespace.`,
  );
}

async function unpack(path: string, directory: string, signal: AbortSignal): Promise<void> {
  await mkdir(directory, { recursive: true });
  await runProgramOrFail({ file: 'dpkg-deb', args: ['-x', path, directory], timeoutSeconds: 300, signal });
}

async function assemble(
  trees: { readonly tools: string; readonly kernel: string },
  packages: readonly string[],
  target: string,
): Promise<ApplianceManifest> {
  const imageName = (await readdir(join(trees.kernel, 'boot'))).find((name) => name.startsWith('vmlinuz-'));
  if (imageName === undefined)
    throw new ColdpatchError('appliance_failed', 'Expected a kernel in the kernel package, but found none.');
  const kernelRelease = imageName.slice('vmlinuz-'.length);
  const image = await readFile(join(trees.kernel, 'boot', imageName));
  const kernel = (await unpackKernel(image)) ?? image;
  const archives = await writeArchives(trees, kernelRelease);
  const built = { kernel, initramfs: writeCpio(archives.initramfs), tools: writeCpio(archives.tools) };
  const digests: FileDigests = {
    kernel: sha256(built.kernel),
    initramfs: sha256(built.initramfs),
    tools: sha256(built.tools),
  };
  const manifest: ApplianceManifest = {
    schema: 3,
    digest: applianceDigest(digests),
    kernelRelease,
    files: digests,
    packages: await Promise.all(
      packages.map(async (path) => ({ file: basename(path), sha256: sha256(await readFile(path)) })),
    ),
  };
  const files: readonly (readonly [string, Uint8Array | string])[] = [
    ...fileNames.map((name) => [name, built[name]] as const),
    [manifestName, `${JSON.stringify(manifest, undefined, 2)}\n`],
  ];
  for (const [name, bytes] of files) {
    const path = join(target, name);
    await writeFile(path, bytes);
    // QEMU runs as a user that owns nothing here.
    await chmod(path, 0o444);
    await syncFile(path);
  }
  return manifest;
}

async function writeArchives(
  trees: { readonly tools: string; readonly kernel: string },
  kernelRelease: string,
): Promise<{ readonly initramfs: readonly CpioEntry[]; readonly tools: readonly CpioEntry[] }> {
  const modulesIn = await firstThere(trees.kernel, [
    `lib/modules/${kernelRelease}`,
    `usr/lib/modules/${kernelRelease}`,
  ]);
  const { startModules, moduleSets, startProgram, programs, revision } = applianceRecipe;
  const files = await selectFiles(trees.tools);
  assertThere([startProgram], files.start);
  assertThere(programs, files.tools);
  const atStart = await kernelModules(modulesIn, startModules);
  const sets = await Promise.all(
    Object.entries(moduleSets).map(
      async ([name, modules]) => [name, await kernelModules(modulesIn, modules)] as const,
    ),
  );
  const later = new Map(sets.flatMap(([, modules]) => modules.map((module) => [module.name, module])));
  return {
    initramfs: withDirectories([
      ...files.start,
      ...atStart.map(moduleEntry),
      orderEntry('start', atStart),
      textEntry('version', `${revision}\n`),
      { name: 'init', type: 'file', bytes: await readFile(agent), executable: true },
      { name: 'usr', type: 'link', target: '.' },
      { name: 'bin/sh', type: 'link', target: startProgram },
      ...mountPoints.map((name): CpioEntry => ({ name, type: 'directory' })),
    ]),
    tools: withDirectories([
      ...files.tools,
      ...[...later.values()].map(moduleEntry),
      ...sets.map(([name, modules]) => orderEntry(name, modules)),
    ]),
  };
}

function assertThere(programs: readonly string[], files: readonly CpioEntry[]): void {
  const missing = programs.filter((program) => !files.some(({ name }) => basename(name) === program));
  if (missing.length === 0) return;
  throw new ColdpatchError(
    'appliance_failed',
    `Expected the programs ${missing.join(', ')} in the packages, but found none.`,
  );
}

function moduleEntry({ name, bytes }: KernelModule): CpioEntry {
  return { name: `modules/${name}.ko`, type: 'file', bytes, executable: false };
}

/** The names of a set of modules, in the order in which they can be loaded. */
function orderEntry(set: string, modules: readonly KernelModule[]): CpioEntry {
  return textEntry(`modules/${set}.order`, modules.map(({ name }) => `${name}\n`).join(''));
}

function textEntry(name: string, content: string): CpioEntry {
  return { name, type: 'file', bytes: Buffer.from(content), executable: false };
}

function withDirectories(files: readonly CpioEntry[]): readonly CpioEntry[] {
  return [...directoriesOf(files), ...files];
}

function directoriesOf(files: readonly CpioEntry[]): readonly CpioEntry[] {
  const names = new Set<string>();
  for (const { name } of files) {
    const parts = name.split('/').slice(0, -1);
    for (let count = 1; count <= parts.length; count += 1) names.add(parts.slice(0, count).join('/'));
  }
  return [...names].map((name) => ({ name, type: 'directory' }));
}

async function firstThere(root: string, paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    try {
      await readdir(join(root, path));
      return join(root, path);
    } catch (error) {
      if (!hasErrorCode(error, 'ENOENT')) throw error;
    }
  }
  throw new ColdpatchError('appliance_failed', 'Expected modules in the kernel package, but found none.');
}

/** An appliance with this digest may be there already, with the same bytes or damaged: then ours takes its place. */
async function put(built: string, target: string): Promise<void> {
  await syncDirectory(built);
  try {
    await rename(built, target);
  } catch (error) {
    if (!hasErrorCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    for (const name of await readdir(built)) await rename(join(built, name), join(target, name));
    await syncDirectory(target);
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
