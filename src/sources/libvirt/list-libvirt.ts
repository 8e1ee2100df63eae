import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ColdpatchError } from '../../lib/errors.ts';
import { describeFiles, type FoundFile } from '../describe-files.ts';
import { lookAtFile } from '../look-at-file.ts';
import type { OtherSources, RememberedFile, SourceFile, SourceSettings } from '../types.ts';
import { readDomains, type UsedFile } from './read-domains.ts';
import { type FilePool, readPools } from './read-pools.ts';

type LibvirtSettings = Extract<SourceSettings, { readonly kind: 'libvirt' }>;

const mostFiles = 200_000;

/**
 * Lists the files of the pools and the disks of the domains, with their chains.
 *
 * libvirt says where the pools are. What is in them we look at ourselves: its own list is as old as the last refresh.
 */
export async function listLibvirt(
  settings: LibvirtSettings,
  remembered: ReadonlyMap<string, RememberedFile>,
  others: OtherSources,
): Promise<readonly SourceFile[]> {
  const pools = await readPools(settings);
  const disks = (await readDomains(settings.uri)).filter(({ isDisk }) => isDisk);
  const paths = new Set<string>();
  for (const pool of pools) for (const path of await filesOfPool(pool)) paths.add(path);
  if (settings.domains) for (const { path } of disks) paths.add(path);
  if (paths.size > mostFiles) throw tooMany();
  const users = new Map<string, UsedFile>(disks.map((disk) => [disk.path, disk]));
  const found: FoundFile[] = [];
  for (const path of [...paths].toSorted()) {
    const file = await lookAtFile(path);
    const user = users.get(path);
    if (file) found.push({ ...file, owner: user?.domain, declaredFormat: user?.format });
  }
  return describeFiles(found, remembered, others);
}

/** The files of the folder itself: to libvirt, what is in folders below is no volume. */
async function filesOfPool({ directory }: FilePool): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((cause: unknown) => {
    throw new ColdpatchError(
      'source_unreachable',
      `Expected to read the folder ${directory} of a storage pool, but it cannot be read. Check its permissions.`,
      { cause },
    );
  });
  if (entries.length > mostFiles) throw tooMany();
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map(({ name }) => join(directory, name));
}

function tooMany(): ColdpatchError {
  return new ColdpatchError(
    'limit_exceeded',
    `Expected at most ${mostFiles} files in a source, but there are more. Name the pools of each source.`,
  );
}
