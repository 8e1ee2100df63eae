import type { Duplex } from 'node:stream';
import { ColdpatchError } from '../../../lib/errors.ts';
import { EarlyEndError, startProgram } from '../../../lib/start-program.ts';
import { openMonitor } from './qemu-monitor.ts';

/** While it is held, no QEMU opens one of the files for writing; readers may. */
export interface ImageHold extends AsyncDisposable {
  release(): Promise<void>;
  /**
   * Asks the holder, which answers only if it was not ended by somebody else: the files were held all the time until now.
   *
   * @throws ColdpatchError `image_changed` when there is no answer.
   */
  assertHeld(): Promise<void>;
}

/** Holds files against writers; the paths must be absolute. */
export type HoldImages = (paths: readonly string[]) => Promise<ImageHold>;

/** A host that swaps may need that long to let a program say one line. */
const answerMilliseconds = 60_000;

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
  const holder = await startProgram({
    file: 'qemu-storage-daemon',
    args: [
      ...paths.flatMap((path, index) => ['--blockdev', JSON.stringify(lockingNode(path, index))]),
      '--chardev',
      'stdio,id=monitor',
      '--monitor',
      'chardev=monitor',
      '--chardev',
      'socket,id=questions,fd=3',
      '--monitor',
      'chardev=questions',
    ],
    descriptors: ['socket'],
    // Arguments are carried out in their order, so the monitor greets when all files are open.
    ready: { line: (line) => line.startsWith('{"QMP"') },
    startTimeoutSeconds: 30,
  }).catch((error: unknown) => {
    throw error instanceof EarlyEndError ? inUseOr(error, paths) : error;
  });
  const [channel] = holder.channels as readonly [Duplex];
  const monitor = openMonitor(channel);
  const release = async (): Promise<void> => {
    await holder.stop();
  };
  return {
    release,
    async assertHeld() {
      // That a program ended is told to us only some time after its locks are gone, so whether it lives is asked.
      if (await monitor.execute('query-version', {}, answerMilliseconds)) return;
      throw new ColdpatchError(
        'image_changed',
        `Expected to hold ${paths.join(', ')} against other programs all the while, but the program that held them is gone or gives no answer. ` +
          'Nothing was changed: make sure that the machine stays off, then try again.',
      );
    },
    [Symbol.asyncDispose]: release,
  };
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
