import { createHash } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { filesystemOf, mountPointsIn } from './story-places.ts';
import {
  type CrashedFile,
  type CrashedTree,
  isIntent,
  type ModelInode,
  numberOn,
} from './strict-filesystem.ts';

/** Two trees of one digest are the same to every program. */
export function digestOfTree(tree: CrashedTree): string {
  const hash = createHash('sha256');
  for (const [path, file] of [...tree].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    if (file === 'directory') hash.update(`${path}\n`);
    else hash.update(`${path} ${file.inode.id} ${file.mode} ${file.content.length}\n`).update(file.content);
  }
  return hash.digest('hex');
}

/**
 * Makes `root` what the tree says.
 *
 * The files are new ones, so what an intent says of inode numbers, and of times, is put right: nothing else of a file is
 * ever changed.
 */
export function writeCrashedTree(
  root: string,
  tree: CrashedTree,
  numbers: ReadonlyMap<string, ModelInode>,
): void {
  clear(root, mountPointsIn(root));
  const made = new Map<ModelInode, string>();
  const intents: (readonly [string, CrashedFile])[] = [];
  for (const [path, file] of tree) {
    if (file === 'directory') {
      mkdirSync(path, { mode: 0o700, recursive: true });
      continue;
    }
    const other = made.get(file.inode);
    if (other !== undefined) {
      linkSync(other, path);
      continue;
    }
    made.set(file.inode, path);
    if (isIntent(path)) intents.push([path, file]);
    writeFileSync(path, file.content);
    chmodSync(path, file.mode);
  }
  for (const [path, { content, inode }] of intents) {
    const inodeOf = (number: string, file: string): ModelInode | undefined =>
      numbers.get(numberOn(filesystemOf(root, file), number));
    writeFileSync(path, translate(content.toString(), { path, seen: inode.seen, tree, inodeOf, made }));
  }
}

/** Files below mount points, but not these. */
function clear(directory: string, mountPoints: readonly string[]): void {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (mountPoints.includes(path)) clear(path, mountPoints);
    else rmSync(path, { recursive: true });
  }
}

interface Translation {
  /** Of the intent. */
  readonly path: string;
  /** What was in the files when it was written. */
  readonly seen: ModelInode['seen'];
  readonly tree: CrashedTree;
  /** The file that had a number on the filesystem of another. */
  readonly inodeOf: (number: string, file: string) => ModelInode | undefined;
  readonly made: ReadonlyMap<ModelInode, string>;
}

/** Of an intent that is whole; what is not whole stays as it is. */
function translate(text: string, translation: Translation): string {
  try {
    return JSON.stringify(translateValue(JSON.parse(text), translation));
  } catch {
    return text;
  }
}

function translateValue(value: unknown, translation: Translation): unknown {
  if (Array.isArray(value)) return value.map((one) => translateValue(one, translation));
  if (typeof value !== 'object' || value === null) return value;
  const object = Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, translateValue(one, translation)]),
  );
  if (typeof object.inode !== 'string') return object;
  const { tree, seen, inodeOf, made } = translation;
  const inode = inodeOf(object.inode, typeof object.path === 'string' ? object.path : translation.path);
  const path = inode && made.get(inode);
  // A number that no file has.
  if (!inode || path === undefined) return { ...object, inode: '18446744073709551615' };
  const status = lstatSync(path, { bigint: true });
  const file = tree.get(path);
  const isAsSeen = file !== 'directory' && file?.content.equals(seen?.get(inode) ?? inode.content) === true;
  return {
    ...object,
    inode: String(status.ino),
    ...('modifiedAt' in object && isAsSeen && { modifiedAt: String(status.mtimeNs) }),
  };
}

/** A file as it really is. */
export interface RealFile {
  readonly content: Buffer;
  readonly mode: number;
}

/** All that is really there, directories before what is in them. */
export function readTree(root: string): Map<string, RealFile | 'directory'> {
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).toSorted();
  return new Map(
    paths.map((name) => {
      const path = join(root, name);
      const status = lstatSync(path);
      return [
        path,
        status.isDirectory() ? 'directory' : { content: readFileSync(path), mode: status.mode & 0o7777 },
      ];
    }),
  );
}
