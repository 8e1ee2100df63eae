import {
  chmodSync,
  closeSync,
  constants,
  ftruncateSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { ColdpatchError } from '../lib/errors.ts';
import { hasErrorCode } from '../lib/has-error-code.ts';
import type { FileTree } from './file-tree.ts';
import { type ListedFile, listFiles } from './list-files.ts';
import { readChunks } from '../lib/read-chunks.ts';

export interface Extraction {
  readonly files: number;
  /** Bytes of regular files. */
  readonly bytes: bigint;
  /** Devices, pipes and sockets: they are not made on the host. */
  readonly skipped: readonly string[];
}

/**
 * Copies a file of a tree, or a directory with all that is below it, to a new path of the host.
 *
 * The tree is hostile: nothing that exists is written to or followed, no device is made, and set-user-ID, set-group-ID and
 * sticky bits are left out. Owners are not kept, modes and times are. When it fails, what it made is removed again.
 *
 * @throws ColdpatchError `usage` when `destination` exists, `path_not_found`, `host_space`, `filesystem_corrupt`.
 */
export function extractFiles(tree: FileTree, path: string, destination: string): Extraction {
  assertNew(destination);
  try {
    return extract(tree, path, Buffer.from(destination));
  } catch (error) {
    rmSync(destination, { recursive: true, force: true });
    if (hasErrorCode(error, 'EEXIST', 'ENOTDIR')) {
      throw new ColdpatchError(
        'filesystem_corrupt',
        `Expected names below ${path} that are each there once, but one is there twice.`,
        { cause: error },
      );
    }
    if (hasErrorCode(error, 'ENOSPC', 'EDQUOT')) {
      throw new ColdpatchError('host_space', `Expected room for ${destination}, but the disk is full.`, {
        cause: error,
      });
    }
    throw error;
  }
}

function assertNew(destination: string): void {
  if (lstatSync(destination, { throwIfNoEntry: false }) === undefined) return;
  throw new ColdpatchError('usage', `Expected a path that does not exist yet, but ${destination} does.`);
}

function extract(tree: FileTree, path: string, destination: Buffer): Extraction {
  const status = tree.status(path);
  if (status.type !== 'directory') {
    const [file] = [...listFiles(tree, path, { recursive: false })];
    const copied = file && place(tree, { ...file, status }, destination);
    return { files: 1, bytes: copied ?? 0n, skipped: copied === undefined ? [path] : [] };
  }
  const top = path.replace(/\/+$/, '');
  const directories: { readonly place: Buffer; readonly file: Pick<ListedFile, 'status'> }[] = [];
  const places = new Map<string, Buffer>([[top, destination]]);
  const skipped: string[] = [];
  let files = 0;
  let bytes = 0n;
  const makeDirectory = (at: Buffer, file: Pick<ListedFile, 'status'>): void => {
    mkdirSync(at, { mode: 0o700 });
    directories.push({ place: at, file });
  };
  makeDirectory(destination, { status });
  for (const file of listFiles(tree, path, { recursive: true })) {
    const parent = places.get(file.path.slice(0, file.path.lastIndexOf('/')));
    if (parent === undefined)
      throw new ColdpatchError('internal', `Nothing was made for the directory of ${file.path}.`);
    const at = Buffer.concat([parent, Buffer.from('/'), plainName(file)]);
    if (file.status.type === 'directory') {
      makeDirectory(at, file);
      places.set(file.path, at);
      continue;
    }
    const copied = place(tree, file, at);
    if (copied === undefined) skipped.push(file.path);
    else {
      files += 1;
      bytes += copied;
    }
  }
  // The innermost first: a directory that is read only, or has its times, takes no more entries.
  for (const { place: at, file } of directories.toReversed()) keepFacts(at, file);
  return { files, bytes, skipped };
}

/** A name that leads nowhere else. */
function plainName({ path, nameBytes }: ListedFile): Uint8Array {
  const text = Buffer.from(nameBytes).toString('latin1');
  if (text !== '' && text !== '.' && text !== '..' && !/[/\0]/.test(text)) return nameBytes;
  throw new ColdpatchError(
    'filesystem_corrupt',
    `Expected a plain name of a file, found one that is none: ${path}.`,
  );
}

const zeros = Buffer.alloc(1024 * 1024);

/** @returns the bytes that were written; undefined for what is not made on a host. */
function place(tree: FileTree, file: ListedFile, at: Buffer): bigint | undefined {
  switch (file.status.type) {
    case 'file':
      writeFile(tree, file, at);
      keepFacts(at, file);
      return file.status.size;
    case 'symlink':
      symlinkSync(file.target ?? '', at);
      return 0n;
    default:
      return undefined;
  }
}

function writeFile(tree: FileTree, { path, status }: ListedFile, at: Buffer): void {
  const descriptor = openSync(
    at,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    for (const { offset, bytes } of readChunks(tree.openFile(path))) {
      // A hole stays one.
      if (!zeros.subarray(0, bytes.length).equals(bytes)) writeWhole(descriptor, bytes, offset);
    }
    ftruncateSync(descriptor, Number(status.size));
  } finally {
    closeSync(descriptor);
  }
}

function writeWhole(descriptor: number, bytes: Uint8Array, offset: bigint): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(descriptor, bytes, done, bytes.length - done, Number(offset) + done);
  }
}

function keepFacts(at: Buffer, { status }: Pick<ListedFile, 'status'>): void {
  chmodSync(at, status.mode & 0o777);
  const modified = Number(status.modifiedAt / 1000n) / 1e6;
  lutimesSync(at, modified, modified);
}
