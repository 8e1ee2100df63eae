import { statSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { extractFiles, listFiles, openTree, readChunks } from '../../app/files.ts';
import type { ListedFile } from '../../guest/list-files.ts';
import type { TreeRequest } from '../../guest/open-tree.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { cleanText } from '../clean-text.ts';
import { printBytes } from '../print-bytes.ts';
import { printJson } from '../print-json.ts';
import { printTable } from '../print-table.ts';

export interface FilesIo {
  print(text: string): void;
  printError(text: string): void;
}

export interface ListOptions extends TreeRequest {
  readonly inside: string;
  readonly recursive: boolean;
  readonly long: boolean;
  readonly json: boolean;
}

/** `coldpatch ls IMAGE [PATH]`. */
export function listCommand(io: FilesIo, { inside, recursive, long, json, ...request }: ListOptions): void {
  withTree(request, (tree) => {
    const files = [...listFiles(tree, absolute(inside), { recursive })];
    if (json) io.print(printJson(files.map(describe)));
    else if (long)
      io.print(lines(printTable(['mode', 'user', 'group', 'size', 'modified', 'path'], files.map(row))));
    else io.print(lines(files.map(({ path }) => cleanText(shownPath(path, inside, recursive)))));
  });
}

/** `coldpatch cat IMAGE PATH`: the bytes as they are, also to a terminal. */
export function catCommand({ inside, ...request }: TreeRequest & { readonly inside: string }): void {
  withTree(request, (tree) => {
    for (const { bytes } of readChunks(tree.openFile(absolute(inside)))) writeOut(bytes);
  });
}

/** `coldpatch cp IMAGE PATH DESTINATION`: into DESTINATION when that is a directory, else to it. */
export function copyCommand(
  io: FilesIo,
  {
    inside,
    destination,
    ...request
  }: TreeRequest & { readonly inside: string; readonly destination: string },
): void {
  withTree(request, (tree) => {
    const isDirectory = statSync(destination, { throwIfNoEntry: false })?.isDirectory() ?? false;
    const place = isDirectory ? join(destination, hostName(inside)) : destination;
    const { files, bytes, skipped } = extractFiles(tree, absolute(inside), place);
    for (const path of skipped)
      io.printError(`${cleanText(path)}: not a file, a directory or a link; left out\n`);
    io.print(
      `${files} ${files === 1 ? 'file' : 'files'}, ${printBytes(Number(bytes))}, to ${cleanText(place)}\n`,
    );
  });
}

function hostName(inside: string): string {
  const name = basename(inside);
  if (name !== '' && name !== '.' && name !== '..') return name;
  throw new ColdpatchError(
    'usage',
    `Expected a new path to copy ${inside} to, because it has no name of its own.`,
  );
}

function withTree(request: TreeRequest, work: (tree: ReturnType<typeof openTree>['tree']) => void): void {
  const { tree, close } = openTree(request);
  try {
    work(tree);
  } finally {
    close();
  }
}

/** Paths are those of the guest, and begin at its root. */
function absolute(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}

function shownPath(path: string, inside: string, recursive: boolean): string {
  if (!recursive) return path.slice(path.lastIndexOf('/') + 1);
  return path.slice(absolute(inside).replace(/\/*$/, '/').length) || path;
}

function describe({ path, status, target }: ListedFile) {
  const { type, mode, uid, gid, size, modifiedAt } = status;
  return {
    path,
    type,
    mode,
    uid,
    gid,
    size: Number(size),
    modifiedAt: timeOf(modifiedAt),
    ...(target !== undefined && { target }),
  };
}

function row({ path, status, target }: ListedFile): readonly (string | number)[] {
  const { uid, gid, size, modifiedAt } = status;
  const name = target === undefined ? path : `${path} -> ${target}`;
  return [symbolicMode(status), uid, gid, Number(size), timeOf(modifiedAt), name];
}

const typeLetters = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  'character-device': 'c',
  'block-device': 'b',
  fifo: 'p',
  socket: 's',
} as const;

/** As ls(1) prints it: `-rwsr-xr-x`. */
function symbolicMode({ type, mode }: ListedFile['status']): string {
  const bits = [6, 3, 0].map((shift, index) => {
    const part = mode >> shift;
    const special = (mode & (0o4000 >> index)) !== 0;
    const execute = (part & 1) !== 0;
    const letter = index === 2 ? 't' : 's';
    const last = special ? (execute ? letter : letter.toUpperCase()) : execute ? 'x' : '-';
    return `${part & 4 ? 'r' : '-'}${part & 2 ? 'w' : '-'}${last}`;
  });
  return typeLetters[type] + bits.join('');
}

/** An inode may hold a time that no calendar has. */
function timeOf(nanoseconds: bigint): string {
  const date = new Date(Number(nanoseconds / 1_000_000n));
  return Number.isNaN(date.getTime()) ? 'unknown' : date.toISOString();
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}

function writeOut(bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(1, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}
