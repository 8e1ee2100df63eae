import { type BigIntStats, lstatSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ColdpatchError } from '../lib/errors.ts';
import { hasErrorCode } from '../lib/has-error-code.ts';
import { type ImageIdentity, identityOf } from './image-identity.ts';
import { reasonAgainstEntry } from './reason-against-entry.ts';

export interface ResolvedImage {
  /** Absolute, and free of symbolic links at the time of the call. */
  readonly path: string;
  readonly identity: ImageIdentity;
}

/** As many as Linux follows: path_resolution(7). */
const mostLinks = 40;

/**
 * Finds the regular file that `path` leads to, and refuses to be led there by somebody else:
 * every symbolic link on the way must belong to root or to us, and stand where nobody else can replace it.
 *
 * @throws ColdpatchError `image_link_unsafe`, `image_not_a_file`, `file_not_found`, `file_unreadable`.
 */
export function resolveImagePath(path: string): ResolvedImage {
  const todo = componentsOf(path.startsWith('/') ? path : `${process.cwd()}/${path}`);
  let reached = '/';
  let links = 0;
  for (let name = todo.shift(); name !== undefined; name = todo.shift()) {
    const next = name === '..' ? dirname(reached) : join(reached, name);
    const status = statusOf(next, path);
    if (!status.isSymbolicLink()) {
      reached = next;
      continue;
    }
    assertSafeLink(next, status, path);
    links += 1;
    if (links > mostLinks) throw tooManyLinks(path);
    const target = readlinkSync(next);
    if (target.startsWith('/')) reached = '/';
    todo.unshift(...componentsOf(target));
  }
  const status = statusOf(reached, path);
  if (!status.isFile()) throw notAFile(path, status);
  return { path: reached, identity: identityOf(status) };
}

function componentsOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

function statusOf(path: string, asked: string): BigIntStats {
  try {
    return lstatSync(path, { bigint: true });
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) {
      throw new ColdpatchError('file_not_found', `Expected an image at ${asked}, but there is no ${path}.`, {
        cause: error,
      });
    }
    throw new ColdpatchError(
      'file_unreadable',
      `Expected to find the image ${asked}, but could not look at ${path}: ${(error as Error).message}. Check its permissions.`,
      { cause: error },
    );
  }
}

function assertSafeLink(link: string, status: BigIntStats, asked: string): void {
  const directory = dirname(link);
  const reason = reasonAgainstEntry(status, lstatSync(directory, { bigint: true }));
  if (reason === undefined) return;
  throw new ColdpatchError(
    'image_link_unsafe',
    `Expected ${asked} to lead to an image by a way that only you and root can change, but the symbolic link ${link} ` +
      `${reason}. Name the image file itself, or change who may write in ${directory}.`,
  );
}

function tooManyLinks(path: string): ColdpatchError {
  return new ColdpatchError(
    'image_not_a_file',
    `Expected ${path} to lead to a file, but it leads through more than ${mostLinks} symbolic links. Name the file itself.`,
  );
}

function notAFile(path: string, status: BigIntStats): ColdpatchError {
  const kind = status.isDirectory()
    ? 'a directory'
    : status.isBlockDevice()
      ? 'a block device'
      : 'something else';
  return new ColdpatchError(
    'image_not_a_file',
    `Expected a regular file at ${path}, but found ${kind}. Name an image file.`,
  );
}
