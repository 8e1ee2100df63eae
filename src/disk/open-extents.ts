import { ColdpatchError } from '../lib/errors.ts';
import { type FileSource, openFileSource } from '../lib/file-source.ts';
import { quote } from './quote.ts';
import type { ChainMember } from './types.ts';

/** The files that members of a chain keep their disks in. */
export interface OpenedExtents {
  /** Those that `member` names, by the names that it gives them. */
  of(member: ChainMember): ReadonlyMap<string, FileSource>;
  close(): void;
}

/**
 * Opens those files that the operator declared and a member of the chain names.
 * A name in an image is compared with theirs by its last part; it is never opened.
 */
export function openExtents(declared: readonly string[]): OpenedExtents {
  const byName = new Map<string, string>();
  for (const path of declared) {
    if (byName.has(baseName(path))) {
      throw new ColdpatchError(
        'usage',
        `Expected extents of different names, but found two named ${baseName(path)}.`,
      );
    }
    byName.set(baseName(path), path);
  }
  const opened = new Map<string, FileSource>();
  const open = (path: string): FileSource => {
    const file = opened.get(path) ?? openFileSource(path);
    opened.set(path, file);
    return file;
  };
  return {
    of({ path, header }) {
      const names = header.extents ?? [];
      const missing = names.filter((name) => !byName.has(baseName(name)));
      if (missing.length > 0) throw undeclared(path, missing);
      return new Map(names.map((name) => [name, open(byName.get(baseName(name)) as string)]));
    },
    close() {
      for (const file of opened.values()) file.close();
    },
  };
}

/** Descriptors are also written on Windows. */
function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}

const mostNamed = 10;

function undeclared(path: string, missing: readonly string[]): ColdpatchError {
  const shown = missing.slice(0, mostNamed).map(quote).join(', ');
  const further = missing.length > mostNamed ? ` and ${missing.length - mostNamed} more` : '';
  return new ColdpatchError(
    'extent_undeclared',
    `Expected the files ${shown}${further}, in which ${path} keeps its disk, but they were not declared. ` +
      'If you trust them, add --extent FILE for each.',
  );
}
