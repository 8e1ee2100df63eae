import { statSync } from 'node:fs';
import type { FileTree } from '../../guest/file-tree.ts';
import { readOrGap } from '../../guest/read-or-gap.ts';
import { isColdpatchError } from '../../lib/errors.ts';
import { mapConcurrently } from '../../lib/map-concurrently.ts';
import { poolPath, poolRoot } from '../../upgrades/pool/pool-path.ts';
import {
  type PackageScripts,
  readPackageScripts,
  type ScriptName,
  scriptNames,
} from '../../upgrades/pool/read-package-scripts.ts';
import type { PackageChange } from '../../upgrades/types.ts';
import { type FoundCommand, findCommands } from './find-commands.ts';

/** A package whose scripts ask a running system for something, which an engine that starts none cannot give. */
export interface RunningSystemNeed extends FoundCommand {
  readonly package: string;
  readonly script: ScriptName;
  /** `installed` when the script is that of the version in the image, for the new package is not in the pool yet. */
  readonly readFrom: 'package' | 'installed';
}

export interface NeedsOptions {
  readonly tree: FileTree;
  readonly cacheDirectory: string;
  readonly signal?: AbortSignal | undefined;
}

const scriptLimit = { limit: 1024 * 1024 };
const packagesAtOnce = 4;
/** Of an old version that goes; what comes brings the others. */
const leaving: readonly ScriptName[] = ['prerm', 'postrm'];

/**
 * What the scripts that this upgrade runs would ask a running system for, each command of a package once.
 * Packages that are not in the pool are judged by the scripts of the version that the image has.
 *
 * @throws ColdpatchError `host_tool_missing`.
 */
export async function needsRunningSystem(
  changes: readonly PackageChange[],
  { tree, cacheDirectory, signal }: NeedsOptions,
): Promise<readonly RunningSystemNeed[]> {
  const needs = new Map<string, RunningSystemNeed>();
  const scripts = await mapConcurrently(changes, packagesAtOnce, signal, async (change) => ({
    change,
    pooled: await pooledScripts(change, cacheDirectory, signal),
  }));
  for (const { change, pooled } of scripts) {
    const installed: PackageScripts = change.from === null ? new Map() : installedScripts(change, tree);
    for (const script of scriptNames) {
      const isOld = pooled === undefined || leaving.includes(script);
      if (isOld && change.to === null && !leaving.includes(script)) continue;
      const text = (isOld ? installed : pooled).get(script) ?? '';
      for (const command of findCommands(text)) {
        const readFrom = isOld ? 'installed' : 'package';
        needs.set(`${change.name} ${command.command}`, {
          package: change.name,
          script,
          readFrom,
          ...command,
        });
      }
    }
  }
  return [...needs.values()];
}

/** Undefined when the new package is not in the pool, or not as it was published: then it will be fetched again. */
async function pooledScripts(
  change: PackageChange,
  cacheDirectory: string,
  signal: AbortSignal | undefined,
): Promise<PackageScripts | undefined> {
  if (change.to === null) return undefined;
  const path = poolPath(poolRoot(cacheDirectory), change.file);
  if (statSync(path, { throwIfNoEntry: false })?.size !== change.file.size) return undefined;
  try {
    return await readPackageScripts(path, signal);
  } catch (error) {
    if (!isColdpatchError(error, 'package_corrupt')) throw error;
    return undefined;
  }
}

function installedScripts({ name, architecture }: PackageChange, tree: FileTree): PackageScripts {
  const scripts = new Map<ScriptName, string>();
  for (const script of scriptNames) {
    for (const stem of [name, `${name}:${architecture}`]) {
      const path = `/var/lib/dpkg/info/${stem}.${script}`;
      const text = readOrGap(path, [], () => tree.tryReadText(path, scriptLimit));
      if (text !== undefined) scripts.set(script, text);
    }
  }
  return scripts;
}
