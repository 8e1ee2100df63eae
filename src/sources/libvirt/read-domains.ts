import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { askForUuids, describeObjects, unreachable } from './ask-virsh.ts';
import { type DomainDisk, parseDomainDisks } from './parse-domain-disks.ts';
import { readPools } from './read-pools.ts';

/** A file that a domain has as a disk. */
export interface UsedFile {
  /** Absolute and free of symbolic links. */
  readonly path: string;
  readonly domain: string;
  readonly format: string | undefined;
  readonly isDisk: boolean;
}

/** All that domains are defined with. */
export async function readDomains(uri: string): Promise<readonly UsedFile[]> {
  const uuids = await askForUuids(uri, ['list', '--all']);
  return filesOf(uri, await describeObjects(uri, ['dumpxml', '--inactive', '--domain'], uuids));
}

/**
 * What domains use at this moment: those that run or are paused, with what they were started with and what they have
 * now, and those whose memory is saved, which will go on with their disks as they were.
 */
export async function readUsedFiles(uri: string): Promise<readonly UsedFile[]> {
  const running = await askForUuids(uri, ['list']);
  const saved = await askForUuids(uri, ['list', '--all', '--with-managed-save']);
  return filesOf(uri, [
    ...(await describeObjects(uri, ['dumpxml', '--domain'], running)),
    ...(await describeObjects(uri, ['dumpxml', '--inactive', '--domain'], [...running, ...saved])),
  ]);
}

async function filesOf(uri: string, documents: readonly string[]): Promise<readonly UsedFile[]> {
  const refuse = (found: string): Error => unreachable(uri, `of a domain, ${found}`);
  const domains = documents.map((xml) => parseDomainDisks(xml, refuse));
  const usesVolumes = domains.some(({ disks }) => disks.some(({ place }) => place.kind === 'volume'));
  const pools = new Map(
    usesVolumes ? (await readPools({ uri })).map(({ name, directory }) => [name, directory]) : [],
  );
  const used: UsedFile[] = [];
  for (const { name, disks } of domains)
    for (const { place, format, isDisk } of disks) {
      const path = await pathOf(place, pools);
      if (path !== undefined) used.push({ path, domain: name, format, isDisk });
    }
  return used;
}

/** Undefined when there is no such file: nothing can use it. */
async function pathOf(
  place: DomainDisk['place'],
  pools: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  const directory = place.kind === 'volume' ? pools.get(place.pool) : '/';
  if (directory === undefined) return undefined;
  try {
    return await realpath(place.kind === 'volume' ? join(directory, place.volume) : place.path);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT') || hasErrorCode(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}
