import type { FileTree } from '../file-tree.ts';
import { matchesPattern } from './matches-pattern.ts';

/** An entry in the manner of the Boot Loader Specification, as systemd-boot and GRUB's `blscfg` read it. */
export interface LoaderEntry {
  /** The file's name without `.conf`, and without the count of tries before it (`+3-1`). */
  readonly id: string;
  /** Empty when it starts no Linux. */
  readonly arguments: readonly string[];
}

const limit = { limit: 64 * 1024 };
const mostEntries = 200;

/**
 * The entries of which one starts when nobody chooses, oldest first: those that loader.conf names by its pattern,
 * or all when it names none.
 * @param folder where `loader.conf` and `entries` are.
 * @param chosen the pattern, when it is kept elsewhere.
 */
export function readLoaderEntries(tree: FileTree, folder: string, chosen?: string): readonly LoaderEntry[] {
  const names = tree.names(`${folder}/entries`).filter((name) => /\.conf$/i.test(name));
  const entries = names.slice(0, mostEntries).map((name) => ({ id: idOf(name), name }));
  const pattern = chosen ?? patternIn(tree.tryReadText(`${folder}/loader.conf`, limit) ?? '') ?? '*';
  const wanted = entries.filter(({ id }) => matchesPattern(id, pattern.replace(/\.conf$/i, '')));
  return (wanted.length > 0 ? wanted : entries)
    .toSorted((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }))
    .map(({ id, name }) => ({
      id,
      arguments: argumentsIn(tree.tryReadText(`${folder}/entries/${name}`, limit) ?? ''),
    }));
}

function patternIn(text: string): string | undefined {
  return /^default\s+(\S+)/m.exec(text)?.[1];
}

function idOf(name: string): string {
  return name.replace(/(?:\+\d+(?:-\d+)?)?\.conf$/i, '');
}

function argumentsIn(text: string): readonly string[] {
  return [...text.matchAll(/^options[ \t]+(.+)$/gm)].flatMap(([, words = '']) => words.trim().split(/\s+/));
}
