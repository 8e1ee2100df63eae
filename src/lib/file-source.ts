import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { assertInside, type ByteSource } from './byte-source.ts';
import { ColdpatchError } from './errors.ts';

/** What tells one state of a file from another: it changes when the file is replaced or written. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
  /** Bytes. */
  readonly size: bigint;
  /** Nanoseconds since 1970. */
  readonly modifiedAt: bigint;
  readonly changedAt: bigint;
}

/** An open file. It must be closed. */
export interface FileSource extends ByteSource {
  readonly path: string;
  /** As it was when the file was opened. */
  readonly identity: FileIdentity;
  close(): void;
}

/**
 * Opens a regular file read only.
 * A symbolic link as the last component is refused: the caller decides which links it follows, and resolves them itself.
 */
export function openFileSource(path: string): FileSource {
  const descriptor = openDescriptor(path);
  try {
    const identity = identify(descriptor, path);
    return { path, size: identity.size, identity, ...accessTo(descriptor, path, identity.size) };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function openDescriptor(path: string): number {
  try {
    // Without O_NONBLOCK the opening of a named pipe would wait for a writer.
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code;
    if (reason === 'ENOENT' || reason === 'ENOTDIR') {
      throw new ColdpatchError('file_not_found', `Expected a file at ${path}, but there is none.`, {
        cause: error,
      });
    }
    if (reason === 'ELOOP' || reason === 'EMLINK') {
      throw new ColdpatchError(
        'image_not_a_file',
        `Expected a regular file at ${path}, but found a symbolic link. Name the file that it leads to.`,
        { cause: error },
      );
    }
    if (reason === 'ENXIO') {
      throw new ColdpatchError(
        'image_not_a_file',
        `Expected a regular file at ${path}, but found a socket or device.`,
        {
          cause: error,
        },
      );
    }
    throw new ColdpatchError(
      'file_unreadable',
      `Expected to read ${path}, but the system answered ${reason ?? String(error)}. Check its permissions.`,
      { cause: error },
    );
  }
}

function identify(descriptor: number, path: string): FileIdentity {
  const status = fstatSync(descriptor, { bigint: true });
  if (!status.isFile()) {
    throw new ColdpatchError(
      'image_not_a_file',
      `Expected a regular file at ${path}, but found ${status.isDirectory() ? 'a directory' : 'something else'}. ` +
        'Name an image file.',
    );
  }
  return {
    device: status.dev,
    inode: status.ino,
    size: status.size,
    modifiedAt: status.mtimeNs,
    changedAt: status.ctimeNs,
  };
}

function accessTo(descriptor: number, path: string, size: bigint): Pick<FileSource, 'read' | 'close'> {
  let open = true;
  return {
    read(offset, into) {
      assertInside({ size }, offset, into.length);
      if (!open) {
        throw new ColdpatchError('internal', `${path} was read after it had been closed.`);
      }
      readFully(descriptor, path, Number(offset), into);
    },
    close() {
      if (open) {
        open = false;
        closeSync(descriptor);
      }
    },
  };
}

function readFully(descriptor: number, path: string, offset: number, into: Uint8Array): void {
  let done = 0;
  while (done < into.length) {
    const count = readOnce(descriptor, path, offset + done, into, done);
    if (count === 0) {
      throw new ColdpatchError(
        'image_truncated',
        `Expected ${into.length} bytes at offset ${offset} of ${path}, but the file became shorter while it was read. ` +
          'Let the program that writes it finish, then try again.',
      );
    }
    done += count;
  }
}

function readOnce(
  descriptor: number,
  path: string,
  position: number,
  into: Uint8Array,
  start: number,
): number {
  try {
    return readSync(descriptor, into, start, into.length - start, position);
  } catch (error) {
    throw new ColdpatchError(
      'file_unreadable',
      `Expected to read ${path} at offset ${position}, but the system answered ` +
        `${(error as NodeJS.ErrnoException).code ?? String(error)}.`,
      { cause: error },
    );
  }
}
