import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startProgram } from '../../../lib/start-program.ts';

const diskBytes = 1024 * 1024;

/**
 * Whether qemu-storage-daemon can show a disk as a file: exports 1 MiB in a private mount namespace and reads it back.
 * Needs root.
 *
 * @param workDirectory an existing directory, where files are left.
 * @throws ColdpatchError `host_tool_missing`, `host_tool_failed`, `host_tool_timeout` when it cannot.
 */
export async function probeFuseExport(workDirectory: string, signal?: AbortSignal): Promise<boolean> {
  const disk = join(workDirectory, 'exported.img');
  const mountpoint = join(workDirectory, 'mountpoint');
  const content = Buffer.alloc(diskBytes, 'coldpatch');
  await writeFile(disk, content);
  await writeFile(mountpoint, '');
  const node = {
    driver: 'raw',
    'node-name': 'disk',
    'read-only': true,
    file: { driver: 'file', filename: disk },
  };
  const daemon = await startProgram({
    file: 'unshare',
    args: [
      ['--mount', '--propagation=slave', '--', 'qemu-storage-daemon'],
      ['--blockdev', JSON.stringify(node)],
      ['--export', JSON.stringify({ type: 'fuse', id: 'export', 'node-name': 'disk', mountpoint })],
      ['--chardev', 'stdio,id=monitor', '--monitor', 'chardev=monitor'],
    ].flat(),
    // Arguments are carried out in their order, so the monitor greets when the export is there.
    ready: { line: (line) => line.startsWith('{"QMP"') },
    startTimeoutSeconds: 10,
    ...(signal && { signal }),
  });
  try {
    const exported = `/proc/${daemon.pid}/root${mountpoint}`;
    return (await stat(exported)).size === diskBytes && content.equals(await readFile(exported));
  } finally {
    await daemon.stop();
  }
}
