/**
 * A filesystem that promises nothing but what POSIX does: what was synced is there after a power cut, in a file by fsync of
 * the file, and a name in a directory by fsync of the directory. Of all else any part may be there, in any order.
 * Real filesystems keep more, each in its own way, and hide what is missing.
 */
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { filesystemOf } from './story-places.ts';
import type { TracedOperation } from './traced-operations.ts';
import type { RealFile } from './write-crashed-tree.ts';

/** A file or a directory, by whatever names. */
export interface ModelInode {
  readonly id: number;
  /** Undefined in a file. */
  readonly names: Map<string, ModelInode> | undefined;
  readonly syncedNames: Map<string, ModelInode>;
  content: Buffer;
  mode: number;
  /** What is there for certain. */
  synced: { readonly content: Buffer; readonly mode: number };
  /** Its first name. */
  readonly path: string;
  /** The inode number that programs saw. */
  number: string | undefined;
  /** Of an intent: what was in all files when it was written. */
  seen: ReadonlyMap<ModelInode, Buffer> | undefined;
}

/** A change that may or may not be there after a power cut. */
export type Pending =
  | {
      readonly kind: 'names';
      readonly effects: readonly NameEffect[];
      readonly needs: Pending | undefined;
      readonly what: string;
      readonly filesystem: string;
    }
  | {
      readonly kind: 'content';
      readonly inode: ModelInode;
      readonly what: string;
      readonly filesystem: string;
    };

interface NameEffect {
  readonly directory: ModelInode;
  readonly name: string;
  readonly target: ModelInode | undefined;
}

type PendingNames = Extract<Pending, { readonly kind: 'names' }>;

/** How much of what was written since the last sync of a file is there. */
export type Remains = 'all' | 'none' | 'zeros' | 'half';

/** A tree as a power cut may leave it. */
export interface CrashedFile {
  readonly inode: ModelInode;
  readonly content: Buffer;
  readonly mode: number;
}
export type CrashedTree = ReadonlyMap<string, CrashedFile | 'directory'>;

export interface StrictFilesystem {
  /** @returns whether anything changed that a power cut could take away or leave. */
  apply(operation: TracedOperation): boolean;
  /** In their order. */
  pending(): readonly Pending[];
  /** What is there when of the pending changes those are that `remains` says. */
  crash(remains: (pending: Pending) => Remains): CrashedTree;
  /** All files that there ever were, by their filesystem and the inode numbers that programs saw: see `numberOn`. */
  numbers(): ReadonlyMap<string, ModelInode>;
}

/** Two filesystems may give the same number. */
export function numberOn(filesystem: string, inode: string): string {
  return `${inode} on ${filesystem}`;
}

/** Of everybody here; a model with another would not end with what is really there. */
const umask = 0o022;

/** @param before what is synced at `root` before the first operation; no file in it has two names. */
export function openStrictFilesystem(
  root: string,
  before: ReadonlyMap<string, RealFile | 'directory'>,
): StrictFilesystem {
  let count = 0;
  const make: MakeInode = (path, isDirectory, mode) => {
    count += 1;
    const content = Buffer.alloc(0);
    return {
      id: count,
      path,
      names: isDirectory ? new Map() : undefined,
      syncedNames: new Map(),
      content,
      mode,
      synced: { content, mode },
      number: undefined,
      seen: undefined,
    };
  };
  const top = load(root, before, make);
  const numbers = new Map<string, ModelInode>();
  const positions = new Map<string, number>();
  let names: PendingNames[] = [];
  const dirty = new Set<ModelInode>();

  const find = (path: string): ModelInode | undefined => {
    let found: ModelInode | undefined = top;
    for (const part of path
      .slice(root.length)
      .split('/')
      .filter((one) => one !== ''))
      found = found?.names?.get(part);
    return found;
  };
  const parentOf = (path: string): ModelInode => {
    const parent = find(dirname(path));
    if (parent?.names) return parent;
    throw new Error(`Expected the model to know the directory of ${path}.`);
  };
  const inodeAt = (path: string): ModelInode => {
    const found = find(path);
    if (found) return found;
    throw new Error(`Expected the model to know ${path}.`);
  };
  const change = (what: string, effects: readonly NameEffect[], needs?: Pending): Pending => {
    for (const { directory, name, target } of effects) {
      if (target) directory.names?.set(name, target);
      else directory.names?.delete(name);
    }
    const filesystem = filesystemOf(root, effects[0]?.directory.path ?? root);
    const pending: PendingNames = { kind: 'names', effects, needs, what, filesystem };
    names.push(pending);
    return pending;
  };
  const write = (inode: ModelInode, data: Buffer, at: number): void => {
    const content = Buffer.alloc(Math.max(inode.content.length, at + data.length));
    inode.content.copy(content);
    data.copy(content, at);
    inode.content = content;
    dirty.add(inode);
    if (isIntent(inode.path)) inode.seen = contentsBelow(top);
  };
  const settle = (pending: PendingNames): void => {
    if (!names.includes(pending)) return;
    // A rename may leave both names, but never none.
    if (pending.needs?.kind === 'names') settle(pending.needs);
    names = names.filter((one) => one !== pending);
    for (const { directory, name, target } of pending.effects) {
      if (target) directory.syncedNames.set(name, target);
      else directory.syncedNames.delete(name);
    }
  };
  const sync = (inode: ModelInode): void => {
    dirty.delete(inode);
    inode.synced = { content: inode.content, mode: inode.mode };
    for (const pending of names) {
      if (pending.effects.some(({ directory }) => directory === inode)) settle(pending);
    }
  };

  const apply = (operation: TracedOperation): boolean => {
    switch (operation.kind) {
      case 'said':
        return false;
      case 'status': {
        const found = find(operation.path);
        if (!found) return false;
        found.number ??= operation.inode;
        numbers.set(numberOn(filesystemOf(root, found.path), operation.inode), found);
        return false;
      }
      case 'open': {
        positions.set(operation.file, 0);
        const { path, mode, truncates } = operation;
        const found = find(path);
        if (found) {
          if (!truncates || found.content.length === 0) return false;
          found.content = Buffer.alloc(0);
          dirty.add(found);
          return true;
        }
        if (mode === undefined) return false;
        const inode = make(path, false, mode & ~umask);
        change(`create ${path}`, [{ directory: parentOf(path), name: basename(path), target: inode }]);
        return true;
      }
      case 'seek':
        positions.set(operation.file, operation.at);
        return false;
      case 'write': {
        const inode = inodeAt(operation.path);
        const at = operation.at ?? positions.get(operation.file) ?? 0;
        write(inode, operation.data, at);
        if (operation.at === undefined) positions.set(operation.file, at + operation.data.length);
        return true;
      }
      case 'copy': {
        const inode = inodeAt(operation.path);
        const source = find(operation.source)?.content ?? readFileSync(operation.source);
        const from = operation.from ?? 0;
        const at = operation.at ?? positions.get(operation.file) ?? 0;
        const data = source.subarray(from, from + operation.length);
        write(inode, data, at);
        if (operation.at === undefined) positions.set(operation.file, at + data.length);
        return true;
      }
      case 'truncate': {
        const inode = inodeAt(operation.path);
        if (inode.content.length === operation.length) return false;
        const content = Buffer.alloc(operation.length);
        inode.content.copy(content);
        inode.content = content;
        dirty.add(inode);
        return true;
      }
      case 'zeros': {
        const inode = inodeAt(operation.path);
        const length = Math.min(operation.length, inode.content.length - operation.at);
        if (length <= 0) return false;
        write(inode, Buffer.alloc(length), operation.at);
        return true;
      }
      case 'mode': {
        const inode = inodeAt(operation.path);
        if (inode.mode === operation.mode) return false;
        inode.mode = operation.mode;
        if (!inode.names) dirty.add(inode);
        return !inode.names;
      }
      case 'directory': {
        const { path } = operation;
        change(`mkdir ${path}`, [
          { directory: parentOf(path), name: basename(path), target: make(path, true, 0o700) },
        ]);
        return true;
      }
      case 'link': {
        const target = inodeAt(operation.path);
        change(`link ${operation.to}`, [
          { directory: parentOf(operation.to), name: basename(operation.to), target },
        ]);
        return true;
      }
      case 'unlink': {
        const { path } = operation;
        change(`unlink ${path}`, [{ directory: parentOf(path), name: basename(path), target: undefined }]);
        return true;
      }
      case 'rename': {
        const { path, to } = operation;
        const target = inodeAt(path);
        if (find(to) === target) return false;
        const added = { directory: parentOf(to), name: basename(to), target };
        const removed = { directory: parentOf(path), name: basename(path), target: undefined };
        const what = `rename ${path} to ${to}`;
        if (added.directory === removed.directory) change(what, [added, removed]);
        else change(`${what}: the old name`, [removed], change(what, [added]));
        return true;
      }
      case 'sync':
        sync(inodeAt(operation.path));
        return true;
      default:
        for (const inode of dirty) sync(inode);
        for (const pending of names) settle(pending);
        return true;
    }
  };

  const contentOf = (inode: ModelInode): Pending => ({
    kind: 'content',
    inode,
    what: `content of ${inode.path}`,
    filesystem: filesystemOf(root, inode.path),
  });
  const pending = (): readonly Pending[] => [...names, ...[...dirty].map(contentOf)];

  const crash = (remains: (pending: Pending) => Remains): CrashedTree => {
    const kept = new Set<Pending>();
    for (const one of names) if (remains(one) !== 'none') kept.add(one);
    const order = names.filter(
      (one) => kept.has(one) || names.some((later) => kept.has(later) && later.needs === one),
    );
    const left = new Map<ModelInode, Map<string, ModelInode>>();
    for (const { effects } of order) {
      for (const { directory, name, target } of effects) {
        const own = left.get(directory) ?? new Map(directory.syncedNames);
        left.set(directory, own);
        if (target) own.set(name, target);
        else own.delete(name);
      }
    }
    const tree = new Map<string, CrashedFile | 'directory'>();
    const walk = (directory: ModelInode, path: string): void => {
      for (const [name, inode] of left.get(directory) ?? directory.syncedNames) {
        const own = join(path, name);
        if (inode.names) {
          tree.set(own, 'directory');
          walk(inode, own);
        } else {
          tree.set(own, fileAfter(inode, dirty.has(inode) ? remains(contentOf(inode)) : 'all'));
        }
      }
    };
    walk(top, root);
    return tree;
  };

  return { apply, pending, crash, numbers: () => numbers };
}

/** Also while it is being written. */
export function isIntent(path: string): boolean {
  return /^\.?intent\.json/.test(basename(path));
}

function contentsBelow(
  { names }: ModelInode,
  found = new Map<ModelInode, Buffer>(),
): ReadonlyMap<ModelInode, Buffer> {
  for (const inode of names?.values() ?? []) {
    if (inode.names) contentsBelow(inode, found);
    else found.set(inode, inode.content);
  }
  return found;
}

function fileAfter(inode: ModelInode, remains: Remains): CrashedFile {
  const { content, mode, synced } = inode;
  switch (remains) {
    case 'all':
      return { inode, content, mode };
    case 'none':
      return { inode, ...synced };
    case 'zeros': {
      // The length is there, what was written is not.
      const zeros = Buffer.alloc(content.length);
      synced.content.copy(zeros);
      return { inode, content: zeros, mode };
    }
    default: {
      const common = firstDifference(synced.content, content);
      return {
        inode,
        content: content.subarray(0, common + Math.floor((content.length - common) / 2)),
        mode,
      };
    }
  }
}

function firstDifference(one: Buffer, other: Buffer): number {
  const end = Math.min(one.length, other.length);
  for (let at = 0; at < end; at += 1) if (one[at] !== other[at]) return at;
  return end;
}

type MakeInode = (path: string, isDirectory: boolean, mode: number) => ModelInode;

/** All of it synced. */
function load(root: string, tree: ReadonlyMap<string, RealFile | 'directory'>, make: MakeInode): ModelInode {
  const top = make(root, true, 0o700);
  const known = new Map([[root, top]]);
  for (const [path, file] of tree) {
    const inode = make(path, file === 'directory', file === 'directory' ? 0o700 : file.mode);
    if (file !== 'directory') {
      inode.content = file.content;
      inode.synced = file;
    }
    known.set(path, inode);
    const parent = known.get(dirname(path));
    parent?.names?.set(basename(path), inode);
    parent?.syncedNames.set(basename(path), inode);
  }
  return top;
}
