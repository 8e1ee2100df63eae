import { readFile } from 'node:fs/promises';
import { parseDeb822, type Stanza } from '../../../guest/package-managers/dpkg/parse-deb822.ts';
import { parseInstalledSize } from '../../../guest/package-managers/dpkg/parse-installed-size.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import type { PackageFile } from '../../types.ts';
import type { SnapshotEntry } from '../../repository-snapshot.ts';

/** A package that a list offers. */
export interface OfferedPackage {
  readonly file: PackageFile;
  /** Bytes. */
  readonly installedSize: number | undefined;
  readonly entry: SnapshotEntry;
}

/**
 * All versions that the lists offer of a package, in the order of the lists.
 *
 * @throws ColdpatchError `repository_corrupt` for an entry without what is needed to fetch it safely
 */
export type OffersOf = (name: string) => readonly OfferedPackage[];

interface Place {
  readonly entry: SnapshotEntry;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** Finds where each package stands in the lists; paragraphs are parsed only when they are asked for. */
export async function indexPackages(entries: readonly SnapshotEntry[]): Promise<OffersOf> {
  const places = new Map<string, Place[]>();
  for (const entry of entries) {
    const bytes = await readFile(entry.packagesPath);
    for (let start = 0; start < bytes.length; ) {
      const cut = bytes.indexOf('\n\n', start, 'latin1');
      const end = cut === -1 ? bytes.length : cut + 1;
      const name = nameAt(bytes, start, end);
      if (name !== undefined) {
        const known = places.get(name);
        if (known === undefined) places.set(name, [{ entry, bytes, start, end }]);
        else known.push({ entry, bytes, start, end });
      }
      start = end + 1;
    }
  }
  return (name) =>
    (places.get(name) ?? []).flatMap(({ entry, bytes, start, end }) =>
      [...parseDeb822(bytes.subarray(start, end))].map((stanza) => offeredPackage(stanza, name, entry)),
    );
}

function nameAt(bytes: Buffer, start: number, end: number): string | undefined {
  const field = 'Package:';
  const first = bytes.toString('latin1', start, start + field.length) === field;
  const at = first ? start : bytes.subarray(start, end).indexOf(`\n${field}`, 0, 'latin1') + start + 1;
  if (!first && at <= start) return undefined;
  const lineEnd = bytes.indexOf(0x0a, at);
  return bytes.toString('latin1', at + field.length, lineEnd === -1 ? end : lineEnd).trim();
}

function offeredPackage(stanza: Stanza, name: string, entry: SnapshotEntry): OfferedPackage {
  const wanted = (field: string, form: RegExp): string => {
    const value = stanza.get(field);
    if (value !== undefined && form.test(value)) return value;
    throw new ColdpatchError(
      'repository_corrupt',
      `Expected a usable ${field} of the package ${name} in the list of ${entry.uri} ${entry.suite}, found "${value ?? ''}". Tell whoever keeps the repository.`,
    );
  };
  // A path that leaves the repository, or an address of its own, would fetch from somewhere that nobody named.
  const path = wanted('Filename', /^(?!\/)(?!.*(?:^|\/)\.\.(?:\/|$))[\x21-\x7e]+$/);
  return {
    file: {
      name,
      version: wanted('Version', /^\S+$/),
      architecture: wanted('Architecture', /^[a-z0-9-]+$/),
      uri: `${entry.uri}${path.replace(/^\.\//, '').replace(/[%?#]/g, encodeURIComponent)}`,
      size: Number(wanted('Size', /^\d{1,12}$/)),
      sha256: wanted('SHA256', /^[0-9a-fA-F]{64}$/).toLowerCase(),
    },
    installedSize: parseInstalledSize(stanza.get('Installed-Size')),
    entry,
  };
}
