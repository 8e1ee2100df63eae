import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { throttled, throttleGroup } from '../../appliance/machine/throttle.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import type { StartedProgram } from '../../lib/start-program.ts';
import type { ImageCopy } from '../engines/types.ts';
import type { HostNamespace } from './host-namespace.ts';

export interface AttachedCopy {
  /** A file, inside the namespace, that holds the disk as the machine sees it. */
  readonly path: string;
  /** Ends the export; what was written to it is in the copy's file then. */
  detach(): Promise<void>;
}

/**
 * Shows the disk of a copy as a plain file inside `namespace` (qemu-storage-daemon's FUSE export).
 * `bytesPerSecond` is what may be read from and written to its files.
 * While the copy is writable it is disposable, so flushes are left out: the one real sync comes before promotion.
 */
export async function attachCopy(
  namespace: HostNamespace,
  copy: ImageCopy,
  directory: string,
  mode: 'writable' | 'read-only',
  bytesPerSecond?: number,
): Promise<AttachedCopy> {
  const writable = mode === 'writable';
  const path = join(directory, `disk-${mode}`);
  const pidFile = `${path}.pid`;
  await writeFile(path, '');
  const daemon = await namespace.startServer({
    file: 'qemu-storage-daemon',
    args: [
      '--pidfile',
      pidFile,
      ...(bytesPerSecond === undefined ? [] : ['--object', JSON.stringify(throttleGroup(bytesPerSecond))]),
      ...blockNodes(copy, writable, bytesPerSecond).flatMap((node) => ['--blockdev', JSON.stringify(node)]),
      '--export',
      JSON.stringify({ type: 'fuse', id: 'export', 'node-name': 'disk', mountpoint: path, writable }),
    ],
    ready: { poll: async () => (await stat(namespace.pathFromHost(path))).size > 0 },
    startTimeoutSeconds: 20,
  });
  return { path, detach: () => detach(namespace, daemon, pidFile) };
}

/**
 * The chain of a copy with an explicit format at each step, so that QEMU probes nothing; the copy comes last.
 * Each file is a node of its own: below a limit QEMU would else take the name of a backing file from the image.
 */
function blockNodes(
  { path, format, backing }: ImageCopy,
  writable: boolean,
  bytesPerSecond: number | undefined,
): readonly object[] {
  const chain = [{ path, format }, ...backing];
  const nameOf = (index: number): string => (index === 0 ? 'disk' : `below${index}`);
  return chain
    .map((file, index) => ({
      'node-name': nameOf(index),
      driver: file.format,
      'read-only': index > 0 || !writable,
      ...(index === 0 && writable
        ? { cache: { 'no-flush': true }, discard: 'unmap', 'detect-zeroes': 'unmap' }
        : {}),
      file: throttled({ driver: 'file', filename: file.path }, bytesPerSecond),
      ...(file.format === 'qcow2' && { backing: index + 1 < chain.length ? nameOf(index + 1) : null }),
    }))
    .toReversed();
}

/** Asks the daemon itself to end, and not the nsenter before it, which would not wait for it. */
async function detach(namespace: HostNamespace, daemon: StartedProgram, pidFile: string): Promise<void> {
  const pid = (await readFile(pidFile, 'utf8')).trim();
  await namespace.runOrFail({ file: 'kill', args: ['-TERM', pid], timeoutSeconds: 10 });
  const { exitCode } = await daemon.exited;
  if (exitCode === 0) return;
  throw new ColdpatchError(
    'engine_failed',
    `Expected qemu-storage-daemon to close the copy cleanly, but it ended with ${exitCode}: ${daemon.lastWords()}`,
  );
}
