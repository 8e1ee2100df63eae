import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { mountPointsOf } from '../mount-points.ts';

/** A mount or a loop device of this host that shows something in the work directory of an image. */
export interface Attachment {
  readonly kind: 'mount' | 'loop_device';
  /** The mount point, or the device. */
  readonly path: string;
  /** The image in whose work directory it is. */
  readonly image: string;
}

/**
 * Mounts that `mountinfo` names (proc_pid_mountinfo(5)) in work directories, the innermost first.
 * coldpatch mounts in private namespaces only, so that there should be none that the host sees.
 */
export function findWorkMounts(mountinfo: string): readonly Attachment[] {
  return mountPointsOf(mountinfo)
    .flatMap((path) => attachmentAt('mount', path, path))
    .toReversed();
}

/** Loop devices whose file is in a work directory. @param blockDevices `/sys/block`. */
export function findWorkLoopDevices(blockDevices: string): readonly Attachment[] {
  return namesIn(blockDevices)
    .filter((name) => name.startsWith('loop'))
    .flatMap((name) => {
      const file = readIfThere(join(blockDevices, name, 'loop/backing_file'));
      return file === undefined ? [] : attachmentAt('loop_device', `/dev/${name}`, file);
    });
}

export function findAttachments(): readonly Attachment[] {
  return [
    ...findWorkMounts(readFileSync('/proc/self/mountinfo', 'utf8')),
    ...findWorkLoopDevices('/sys/block'),
  ];
}

/** `/images/.coldpatch/a.img/work/<run>/disk` is in a work directory of `/images/a.img`. */
function attachmentAt(kind: Attachment['kind'], path: string, file: string): readonly Attachment[] {
  const state = /^(\/(?:.*\/)?\.coldpatch\/[^/]+)\/work\/./.exec(file)?.[1];
  if (state === undefined) return [];
  return [{ kind, path, image: join(dirname(dirname(state)), basename(state)) }];
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Undefined for a device that is free, or went away. */
function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENXIO', 'ENOTDIR')) return undefined;
    throw error;
  }
}
