import { isAbsolute } from 'node:path';
import { ColdpatchError } from '../../lib/errors.ts';
import type { NewMachine } from '../definitions/add-machine.ts';
import { connectQmp } from '../hypervisors/qemu/qmp.ts';
import { assertSameProcess } from './assert-same-process.ts';
import { tpmsOf, writableDrives } from '../hypervisors/qemu/running-block.ts';

/**
 * Asks a running QEMU which disks and UEFI variables it writes to, and makes sure that it has them open.
 *
 * @param vtpm the state of its TPM, which QEMU does not know.
 * @throws ColdpatchError `machine_unreachable`, `machine_unsupported`, `machine_differs`.
 */
export async function readRunningMachine(
  socket: string,
  vtpm: NewMachine['vtpm'],
): Promise<Pick<NewMachine, 'disks' | 'uefiVariables'>> {
  using qmp = await connectQmp(socket);
  if (!qmp) {
    throw new ColdpatchError(
      'machine_unreachable',
      `Expected a running QEMU at ${socket}, but nobody listens there. Start the machine, or name its disks with --disk.`,
    );
  }
  const drives = await writableDrives(qmp);
  const relative = drives.find(({ file }) => !isAbsolute(file));
  if (relative) throw unsupported(`${JSON.stringify(relative.file)} is no absolute path`);
  // Whoever took the QEMU over could name any file of this host.
  if (drives.length > 0) {
    assertSameProcess(
      drives.map(({ file }) => file),
      socket,
    );
  }
  const tpms = await tpmsOf(qmp);
  if (tpms.length > 0 && !vtpm) {
    throw unsupported(
      `it has a TPM (${tpms.join(', ')}), whose state QEMU does not know: name it with --tpm`,
    );
  }
  const flash = drives.filter(({ isFlash }) => isFlash);
  if (flash.length > 1) throw unsupported(`it writes to ${flash.length} files as flash`);
  return {
    disks: drives
      .filter(({ isFlash }) => !isFlash)
      .map(({ file, format }) => ({ path: file, format: formatOf(format) })),
    uefiVariables: flash[0]?.file,
  };
}

function formatOf(format: string): 'raw' | 'qcow2' {
  if (format === 'raw' || format === 'qcow2') return format;
  throw unsupported(`it has a disk of the format ${JSON.stringify(format)}`);
}

function unsupported(found: string): ColdpatchError {
  return new ColdpatchError(
    'machine_unsupported',
    `Expected a running machine whose state is in raw and qcow2 files, but ${found}.`,
  );
}
