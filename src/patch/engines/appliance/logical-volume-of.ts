import type { Volume } from '../../../disk/types.ts';

/** A volume of LVM that the appliance can activate. */
export interface LogicalVolume {
  /** `GROUP/VOLUME`, as LVM's programs take it. */
  readonly name: string;
  /** Its name in `/dev/mapper`. */
  readonly mapperName: string;
}

const devices = '/dev/';
const mapper = '/dev/mapper/';
/** Linear volumes are of this kind too: they have one stripe. */
const activated = 'striped';
/** What the appliance's kernel sees by itself. */
const plainMember = /^(?:disk|partition \d+)$/;
/** LVM's own rule for names; the reader has checked it. */
const name = /^[\w.+][\w.+-]*\/[\w.+][\w.+-]*$/;

/**
 * How LVM names a volume; undefined for what is none, and for kinds that are only read: mirrors and thin volumes need
 * writing to be activated, and volumes on arrays need the array.
 */
export function logicalVolumeOf({ managed }: Pick<Volume, 'managed'>): LogicalVolume | undefined {
  if (managed?.manager !== 'lvm2' || managed.segments === undefined) return undefined;
  if (!managed.segments.every((kind) => kind === activated)) return undefined;
  if (!managed.members.every((member) => plainMember.test(member))) return undefined;
  const [first = '', ...others] = managed.devices;
  const mapped = others.find((device) => device.startsWith(mapper));
  const found = first.slice(devices.length);
  if (mapped === undefined || !name.test(found)) return undefined;
  return { name: found, mapperName: mapped.slice(mapper.length) };
}
