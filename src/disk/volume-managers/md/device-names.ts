import type { Superblock } from './superblock.ts';

export interface ArrayNames {
  /** `md0` or `md/boot`. */
  readonly name: string;
  /** What udev makes of it, the plain name first. */
  readonly devices: readonly string[];
}

/** Device names as mdadm gives them on the machine that made the array. */
export function deviceNames({ name, minor, uuid }: Superblock): ArrayNames {
  const plain = minor === undefined ? name.slice(name.indexOf(':') + 1) : `${minor}`;
  const ids = [
    `/dev/disk/by-id/md-uuid-${uuid}`,
    ...(name === '' ? [] : [`/dev/disk/by-id/md-name-${name}`]),
  ];
  const number = /^(?:md)?(\d{1,7})$/.exec(plain)?.[1];
  if (number !== undefined) {
    return { name: `md${number}`, devices: [`/dev/md${number}`, `/dev/md/${plain}`, ...ids] };
  }
  const isPlain = /^[\w.+-]{1,32}$/.test(plain) && !/^\.{1,2}$/.test(plain);
  return isPlain
    ? { name: `md/${plain}`, devices: [`/dev/md/${plain}`, ...ids] }
    : { name: `md/${uuid}`, devices: ids };
}
