import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { ColdpatchError } from '../lib/errors.ts';
import { hasErrorCode } from '../lib/has-error-code.ts';
import { type ImageIdentity, identityOf } from './image-identity.ts';

export interface OpenedFile extends AsyncDisposable {
  /** Leads every program of ours to this very file, whatever its name leads to by now. */
  readonly path: string;
  readonly identity: ImageIdentity;
}

/**
 * Opens a file that another user may own, such as QEMU's: what they put in its place does not make us read another.
 *
 * @throws ColdpatchError `image_link_unsafe` when a symbolic link or something else is there; `ENOENT`.
 */
export async function openRegularFile(path: string): Promise<OpenedFile> {
  const file = await openItself(path);
  try {
    const status = await file.stat({ bigint: true });
    if (!status.isFile()) throw replaced(path);
    return {
      path: `/proc/${process.pid}/fd/${file.fd}`,
      identity: identityOf(status),
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openItself(path: string) {
  try {
    // A pipe would keep us waiting for its writer.
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw hasErrorCode(error, 'ELOOP', 'ENXIO') ? replaced(path, error) : error;
  }
}

function replaced(path: string, cause?: unknown): ColdpatchError {
  return new ColdpatchError(
    'image_link_unsafe',
    `Expected a regular file at ${path}, but something else was put in its place. Find out who did that.`,
    { cause },
  );
}
