/** A system whose root is a logical volume in two pieces, beside a second volume for /opt. */
import { closeSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { runProgramOrFail } from '../../src/lib/run-program.ts';
import { makeLvmDisk, withLvm } from './lvm-disk.ts';

export interface LvmSystemOptions {
  /** A raw disk whose first partition, at 1 MiB, is ext4 and holds the system. */
  readonly from: string;
  /** Empty; for the making. */
  readonly directory: string;
}

const mebibyte = 1024 * 1024;
/** Of one MiB each. */
const extents = { partition: 480, rootFirst: 200, opt: 40, rootRest: 160 };
const rootUuid = '44444444-5555-4666-8777-888888888888';

/**
 * LVM's own tools make the volumes; nothing is activated, because the kernel of a test machine may have no
 * device-mapper: the filesystems are written to where the extents lie.
 *
 * @returns the disk.
 */
export async function makeLvmSystem({ from, directory }: LvmSystemOptions): Promise<string> {
  const disk = makeLvmDisk(directory, 1, [1], extents.partition * mebibyte);
  withLvm(disk, directory, (lvm, [device = '']) => {
    lvm('vgcreate', '--physicalextentsize', '1m', 'my-group', device);
    const make = ['-an', '-Zn', '-Wn'];
    lvm('lvcreate', ...make, '-n', 'root', '-l', `${extents.rootFirst}`, 'my-group');
    lvm('lvcreate', ...make, '-n', 'opt', '-l', `${extents.opt}`, 'my-group');
    lvm('lvextend', '--nofsck', '-l', `+${extents.rootRest}`, 'my-group/root');
  });
  const root = join(directory, 'root');
  const opt = join(directory, 'opt');
  for (const [path, size] of [
    [root, extents.rootFirst + extents.rootRest],
    [opt, extents.opt],
  ] as const) {
    writeFileSync(path, '');
    truncateSync(path, size * mebibyte);
  }
  execFileSync('mke2fs', ['-q', '-t', 'ext4', opt]);
  const steps = [
    'set -e; cd "$directory"; mkdir old new',
    `mke2fs -q -t ext4 -U ${rootUuid} root`,
    'mount -o loop,offset=1048576,ro -- "$from" old; mount -o loop root new',
    'cp -a old/. new/; mkdir -p new/opt',
    "printf '%s\\n' '/dev/mapper/my--group-root / ext4 defaults 0 1' '/dev/my-group/opt /opt ext4 defaults 0 2' > new/etc/fstab",
    'umount old new; rmdir old new',
  ];
  await runProgramOrFail({
    file: 'unshare',
    args: ['--mount', '--propagation=slave', 'bash', '-c', steps.join('\n')],
    environment: { from, directory },
    timeoutSeconds: 300,
  });
  // LVM keeps one MiB before the first extent.
  const first = (disk.starts[0] as number) + mebibyte;
  const file = openSync(disk.path, 'r+');
  const put = (bytes: Uint8Array, extent: number): number =>
    writeSync(file, bytes, 0, bytes.length, first + extent * mebibyte);
  const bytes = readFileSync(root);
  put(bytes.subarray(0, extents.rootFirst * mebibyte), 0);
  put(readFileSync(opt), extents.rootFirst);
  put(bytes.subarray(extents.rootFirst * mebibyte), extents.rootFirst + extents.opt);
  closeSync(file);
  return disk.path;
}
