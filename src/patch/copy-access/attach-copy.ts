import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
 * While the copy is writable it is disposable, so flushes are left out: the one real sync comes before promotion.
 */
export async function attachCopy(
  namespace: HostNamespace,
  copy: ImageCopy,
  directory: string,
  mode: 'writable' | 'read-only',
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
      '--blockdev',
      JSON.stringify({ 'node-name': 'disk', ...blockNode(copy, writable) }),
      '--export',
      JSON.stringify({ type: 'fuse', id: 'export', 'node-name': 'disk', mountpoint: path, writable }),
    ],
    ready: { poll: async () => (await stat(namespace.pathFromHost(path))).size > 0 },
    startTimeoutSeconds: 20,
  });
  return { path, detach: () => detach(namespace, daemon, pidFile) };
}

/** The chain of a copy with an explicit format at each step, so that QEMU probes nothing. */
function blockNode(copy: ImageCopy, writable: boolean): Record<string, unknown> {
  const [nearest, ...others] = copy.backing;
  return {
    driver: copy.format,
    'read-only': !writable,
    ...(writable ? { cache: { 'no-flush': true }, discard: 'unmap', 'detect-zeroes': 'unmap' } : {}),
    file: { driver: 'file', filename: copy.path },
    ...(nearest && { backing: blockNode({ ...nearest, backing: others }, false) }),
    ...(copy.format === 'qcow2' && !nearest ? { backing: null } : {}),
  };
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
