import { ColdpatchError } from '../../../lib/errors.ts';
import { EarlyEndError, startProgram } from '../../../lib/start-program.ts';

/** While it is held, no QEMU opens one of the files for writing; readers may. */
export interface ImageHold extends AsyncDisposable {
  release(): Promise<void>;
  /** False when the holder was ended by somebody else, so that the files were not held all the time. */
  isHeld(): boolean;
}

/** Holds files against writers; the paths must be absolute. */
export type HoldImages = (paths: readonly string[]) => Promise<ImageHold>;

/**
 * Takes QEMU's image locks on regular files, of whatever format, without reading one byte of them.
 *
 * The locks belong to the inodes, not to the names, and end with this process.
 * A storage daemon holds them through a `blkdebug` node, because that driver can be told which permissions to take and
 * to deny, and does not look at the content.
 *
 * @throws ColdpatchError `image_in_use` when a QEMU has one of the files open for writing.
 */
export async function holdImageLocks(paths: readonly string[]): Promise<ImageHold> {
  let running = true;
  const holder = await startProgram({
    file: 'qemu-storage-daemon',
    args: [
      ...paths.flatMap((path, index) => ['--blockdev', JSON.stringify(lockingNode(path, index))]),
      '--chardev',
      'stdio,id=monitor',
      '--monitor',
      'chardev=monitor',
    ],
    // Arguments are carried out in their order, so the monitor greets when all files are open.
    ready: { line: (line) => line.startsWith('{"QMP"') },
    startTimeoutSeconds: 30,
  }).catch((error: unknown) => {
    throw error instanceof EarlyEndError ? inUseOr(error, paths) : error;
  });
  void holder.exited.then(() => {
    running = false;
  });
  const release = async (): Promise<void> => {
    await holder.stop();
  };
  return { release, isHeld: () => running, [Symbol.asyncDispose]: release };
}

function lockingNode(path: string, index: number): object {
  return {
    driver: 'blkdebug',
    'node-name': `held${index}`,
    'read-only': true,
    image: { driver: 'file', filename: path, 'read-only': true, locking: 'on' },
    'take-child-perms': ['consistent-read'],
    'unshare-child-perms': ['write', 'resize'],
  };
}

/**
 * The words are those of QEMU's block/file-posix.c since 2.10.
 * "Failed to lock byte" comes where another program, such as swtpm, has a lock of its own on the whole file.
 */
function inUseOr(error: EarlyEndError, paths: readonly string[]): ColdpatchError {
  if (
    !/Failed to get (shared )?"[a-z ]+" lock|Failed to lock byte|Is another process using the image/.test(
      error.lastWords,
    )
  ) {
    return error;
  }
  const path =
    paths.find((path) => error.lastWords.includes(`[${path}]`)) ??
    paths.find((path) => error.lastWords.includes(`filename":${JSON.stringify(path)}`)) ??
    paths.join(', ');
  return new ColdpatchError(
    'image_in_use',
    `Expected ${path} to be switched off, but a QEMU or swtpm process has it open for writing. Shut the machine down, then try again.`,
    { cause: error },
  );
}
