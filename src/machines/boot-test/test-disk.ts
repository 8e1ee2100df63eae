import { chmod } from 'node:fs/promises';
import type { DiskFile } from '../../appliance/machine/disks.ts';
import { openChain } from '../../disk/open-chain.ts';
import { runProgramOrFail } from '../../lib/run-program.ts';

/** A disk that is only read, unless it says so: a file, and those that it is built on, nearest first. */
export interface TestDisk {
  readonly chain: readonly [DiskFile, ...DiskFile[]];
  /** Bytes that the machine sees. */
  readonly virtualSize: bigint;
  /** Its first file is a copy that the machine is to write; else the machine writes to an overlay that is thrown away. */
  readonly isWritten?: true;
}

/** Reads the size of a disk from its header. @throws what opening an image throws. */
export function describeDisk(file: DiskFile, backing: readonly DiskFile[]): TestDisk {
  const { disk, close } = openChain(file, backing);
  close();
  return { chain: [file, ...backing], virtualSize: disk.size };
}

/** A disk of which every write goes to a new file at `path`. The file names no other: QEMU is told what it lies on. */
export async function layOver(disk: TestDisk, path: string): Promise<TestDisk> {
  await runProgramOrFail({
    file: 'qemu-img',
    args: ['create', '-q', '-f', 'qcow2', path, String(disk.virtualSize)],
    timeoutSeconds: 120,
  });
  await chmod(path, 0o600);
  return { ...disk, chain: [{ path, format: 'qcow2' }, ...disk.chain] };
}
