import { descriptor } from './layout.ts';

/** As blkid makes it: the time of the last change, else that of the making, down to hundredths of a second. */
export function uuidOf(primary: Buffer): string {
  const stamp = [descriptor.modifiedAt, descriptor.createdAt]
    .map((offset) => primary.toString('latin1', offset, offset + 16))
    .find((digits) => /^\d{16}$/.test(digits) && !/^0+$/.test(digits));
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(stamp ?? '') ?? [];
  return parts.join('-');
}

/** The name of the volume. */
export function labelOf(primary: Buffer): string {
  return textOf(primary, descriptor.volumeId, descriptor.volumeIdBytes);
}

/** A field of a descriptor, without the blanks at its end. */
export function textOf(primary: Buffer, offset: number, length: number): string {
  return primary.toString('latin1', offset, offset + length).replace(/[\0 ]+$/, '');
}
