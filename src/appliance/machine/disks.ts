import { closeSync, constants, openSync } from 'node:fs';
import { throttled, throttleGroup } from './throttle.ts';

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

/** A chain of files under the name by which devices refer to it. */
export interface BlockNode extends Pick<Disk, 'file' | 'backing' | 'writable'> {
  readonly name: string;
}

/** Files that QEMU gets as descriptors: it opens none by its name. */
export interface OpenedDisks {
  /** In the order of the descriptors that QEMU gets, from `firstDescriptor` on. */
  readonly descriptors: readonly number[];
  readonly args: readonly string[];
  close(): void;
}

/**
 * Opens the files of the disks, and says how QEMU is told of them and of their devices.
 * `bytesPerSecond`: what may be read from and written to all their files together.
 */
export function openDisks(
  disks: readonly Disk[],
  firstDescriptor: number,
  bytesPerSecond?: number,
): OpenedDisks {
  const nodes = disks.map((disk, index) => ({ name: `disk${index}`, ...disk }));
  const opened = openBlockNodes(nodes, firstDescriptor, bytesPerSecond);
  const devices = disks.flatMap(({ serial }, index) => [
    '-device',
    // An error is the guest's to hear: QEMU would else stop the machine and wait for somebody.
    `virtio-blk-pci,drive=disk${index},serial=${serial},werror=report,rerror=report`,
  ]);
  return { ...opened, args: [...opened.args, ...devices] };
}

/**
 * Opens the files of block nodes, and says how QEMU is told of them: with every format named, so that it probes nothing.
 * A writable one is disposable until the one real sync that comes later, so flushes are left out.
 */
export function openBlockNodes(
  nodes: readonly BlockNode[],
  firstDescriptor: number,
  bytesPerSecond?: number,
): OpenedDisks {
  const descriptors: number[] = [];
  const args: string[] =
    bytesPerSecond === undefined ? [] : ['-object', JSON.stringify(throttleGroup(bytesPerSecond))];
  const close = (): void => descriptors.forEach((descriptor) => closeSync(descriptor));

  const describe = (chain: readonly DiskFile[], writable: boolean): object => {
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
      file: throttled(
        { driver: 'file', filename: `/dev/fdset/${set}`, 'read-only': !writable },
        bytesPerSecond,
      ),
      ...(format === 'qcow2' && { backing: backing.length > 0 ? below(backing) : null }),
    };
  };

  /** Described in place as long as QEMU sees the name of its file there: else it would take that of the image. */
  const below = (chain: readonly DiskFile[]): object | string => {
    const described = describe(chain, false);
    if (bytesPerSecond === undefined) return described;
    const name = `below${descriptors.length}`;
    args.push('-blockdev', JSON.stringify({ 'node-name': name, ...described }));
    return name;
  };

  try {
    const blocks = nodes.flatMap(({ name, file, backing = [], writable }) => {
      const described = { 'node-name': name, ...describe([file, ...backing], writable) };
      return ['-blockdev', JSON.stringify(described)];
    });
    return { descriptors, args: [...args, ...blocks], close };
  } catch (error) {
    close();
    throw error;
  }
}
