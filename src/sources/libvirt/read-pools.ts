import { realpath } from 'node:fs/promises';
import { askForUuids, describeObjects, unreachable } from './ask-virsh.ts';
import { parsePool } from './parse-pool.ts';

/** A pool whose volumes are the files of one folder. */
export interface FilePool {
  readonly name: string;
  /** Absolute and free of symbolic links. */
  readonly directory: string;
}

export interface PoolSettings {
  readonly uri: string;
  readonly pools?: readonly string[] | undefined;
}

const fileTypes = new Set(['dir', 'fs', 'netfs']);

/**
 * The storage pools of files; those that are named, or all.
 *
 * @throws ColdpatchError `source_unreachable` also when one of them is not active or not there:
 * its images would otherwise look as if they were gone.
 */
export async function readPools({ uri, pools }: PoolSettings): Promise<readonly FilePool[]> {
  const refuse = (found: string): Error => unreachable(uri, `of a storage pool, ${found}`);
  const uuids = await askForUuids(uri, ['pool-list', '--all']);
  const active = new Set(await askForUuids(uri, ['pool-list']));
  const documents = await describeObjects(uri, ['pool-dumpxml'], uuids);
  const all = documents.map((xml, index) => ({
    ...parsePool(xml, refuse),
    isActive: active.has(uuids[index] ?? ''),
  }));
  for (const wanted of pools ?? []) {
    const found = all.find(({ name }) => name === wanted);
    if (!found) throw unreachable(uri, `there is no storage pool ${JSON.stringify(wanted)}`);
    if (!fileTypes.has(found.type))
      throw unreachable(uri, `the storage pool ${JSON.stringify(wanted)} is of the type ${found.type}`);
  }
  const chosen = all.filter(({ name, type }) => fileTypes.has(type) && (pools?.includes(name) ?? true));
  const idle = chosen.find(({ isActive }) => !isActive);
  if (idle)
    throw unreachable(
      uri,
      `the storage pool ${JSON.stringify(idle.name)} is not active. Start it, or name the pools of the source.`,
    );
  return Promise.all(
    chosen.map(async ({ name, path }) => {
      try {
        return { name, directory: await realpath(path) };
      } catch {
        throw unreachable(uri, `the folder ${path} of the storage pool ${JSON.stringify(name)} is not here`);
      }
    }),
  );
}
