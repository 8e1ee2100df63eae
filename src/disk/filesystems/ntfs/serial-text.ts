/** The serial number of a volume as blkid and /etc/fstab write it: sixteen hexadecimal digits. */
export function serialText(serial: bigint): string {
  return serial.toString(16).toUpperCase().padStart(16, '0');
}
