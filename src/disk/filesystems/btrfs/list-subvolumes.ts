import { ColdpatchError } from '../../../lib/errors.ts';
import type { Subvolume } from '../types.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import type { Forest } from './forest.ts';
import { firstFreeId, itemType, lastFreeId, tree } from './layout.ts';
import { parseRootItem } from './parse-root-item.ts';
import { parseRootReference } from './parse-root-reference.ts';
import { readerOver } from './reader-over.ts';

const mostSubvolumes = 100_000;
const mostDepth = 512;
const mostPathBytes = 4096;

/** The top level and all subvolumes below it, by their ids. Those that are being deleted are not there any more. */
export function listSubvolumes(forest: Forest, defaultId: bigint): readonly Subvolume[] {
  const paths = new Map<bigint, string>([[tree.filesystem, '']]);
  const found: Subvolume[] = [];
  const from = { objectId: tree.filesystem, type: itemType.root, offset: 0n };
  for (const { key, data } of forest.rootTree.itemsFrom(from)) {
    const isSubvolume = key.objectId === tree.filesystem || key.objectId >= firstFreeId;
    if (key.objectId > lastFreeId) {
      break;
    }
    if (key.type !== itemType.root || !isSubvolume) {
      continue;
    }
    const root = parseRootItem(data);
    const path = root.references === 0 ? undefined : pathOf(forest, key.objectId, paths, 0);
    if (path === undefined) {
      continue;
    }
    const { isSnapshot, readOnly } = root;
    const isDefault = key.objectId === defaultId;
    found.push({ id: idOf(key.objectId), path, isDefault, isSnapshot, readOnly });
    if (found.length > mostSubvolumes) {
      throw new ColdpatchError(
        'limit_exceeded',
        `Expected at most ${mostSubvolumes} subvolumes, but there are more.`,
      );
    }
  }
  return found;
}

/** Undefined for what no directory leads to. */
function pathOf(forest: Forest, id: bigint, paths: Map<bigint, string>, depth: number): string | undefined {
  const known = paths.get(id);
  if (known !== undefined) {
    return known;
  }
  const item = forest.rootTree.itemsOf(id, itemType.rootBackReference).next().value;
  if (item === undefined) {
    return undefined;
  }
  const outer = depth < mostDepth ? pathOf(forest, item.key.offset, paths, depth + 1) : undefined;
  if (outer === undefined) {
    return undefined;
  }
  const { directory, name } = parseRootReference(item.data);
  const names = [...namesTo(forest, item.key.offset, directory), Buffer.from(name).toString('utf8')];
  const path = [...(outer === '' ? [] : [outer]), ...names].join('/');
  if (Buffer.byteLength(path) > mostPathBytes) {
    throw filesystemCorrupt(`Expected the path of subvolume ${id} to have at most ${mostPathBytes} bytes.`);
  }
  paths.set(id, path);
  return path;
}

/** The names of the directories from the top of a subvolume down to one of its inodes. */
function namesTo(forest: Forest, subvolume: bigint, directory: bigint): readonly string[] {
  const { root, tree: inodes } = forest.get(subvolume);
  const names: string[] = [];
  for (let inode = directory; inode !== root.directory; ) {
    const item = inodes.itemsOf(inode, itemType.inodeReference).next().value;
    if (item === undefined || names.length > mostDepth) {
      throw filesystemCorrupt(
        `Expected directory ${directory} of subvolume ${subvolume} to lie below its top.`,
      );
    }
    const reader = readerOver(item.data, `the name of inode ${inode}`);
    names.unshift(Buffer.from(reader.bytes(10, reader.u16(8))).toString('utf8'));
    inode = item.key.offset;
  }
  return names;
}

function idOf(id: bigint): number {
  if (id > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw filesystemCorrupt(`Expected ids of subvolumes below 2^53, found ${id}.`);
  }
  return Number(id);
}
