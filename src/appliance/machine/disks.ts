import { closeSync, constants, openSync } from 'node:fs';

/** A file that the machine sees as a disk, or that such a file is built on. */
export interface DiskFile {
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
}

export interface Disk {
  /** By which the inside finds it; at most 20 letters. */
  readonly serial: string;
  readonly file: DiskFile;
  /** Nearest first; only ever read. */
  readonly backing?: readonly DiskFile[];
  readonly writable: boolean;
}

/** Files that QEMU gets as descriptors: it opens none by its name. */
export interface OpenedDisks {
  /** In the order of the descriptors that QEMU gets, from `firstDescriptor` on. */
  readonly descriptors: readonly number[];
  readonly args: readonly string[];
  close(): void;
}

/**
 * Opens the files of the disks, and says how QEMU is told of them: with every format named, so that it probes nothing.
 * A writable disk is disposable until the one real sync that comes later, so flushes are left out.
 */
export function openDisks(disks: readonly Disk[], firstDescriptor: number): OpenedDisks {
  const descriptors: number[] = [];
  const args: string[] = [];
  const close = (): void => descriptors.forEach((descriptor) => closeSync(descriptor));

  const node = (chain: readonly DiskFile[], writable: boolean): object => {
    const [{ path, format }, ...backing] = chain as readonly [DiskFile, ...DiskFile[]];
    const set = descriptors.length + 1;
    descriptors.push(
      openSync(path, (writable ? constants.O_RDWR : constants.O_RDONLY) | constants.O_NOFOLLOW),
    );
    args.push('-add-fd', `fd=${firstDescriptor + set - 1},set=${set}`);
    return {
      driver: format,
      'read-only': !writable,
      'auto-read-only': false,
      ...(writable && { cache: { 'no-flush': true }, discard: 'unmap', 'detect-zeroes': 'unmap' }),
      file: { driver: 'file', filename: `/dev/fdset/${set}`, 'read-only': !writable },
      ...(format === 'qcow2' && { backing: backing.length > 0 ? node(backing, false) : null }),
    };
  };

  try {
    const devices = disks.flatMap(({ serial, file, backing = [], writable }, index) => {
      const described = { 'node-name': `disk${index}`, ...node([file, ...backing], writable) };
      return [
        '-blockdev',
        JSON.stringify(described),
        '-device',
        // An error is the guest's to hear: QEMU would else stop the machine and wait for somebody.
        `virtio-blk-pci,drive=disk${index},serial=${serial},werror=report,rerror=report`,
      ];
    });
    return { descriptors, args: [...args, ...devices], close };
  } catch (error) {
    close();
    throw error;
  }
}
