import type { ByteSource } from '../../lib/byte-source.ts';
import { hasBytes } from '../has-bytes.ts';

interface KnownFormat {
  readonly name: string;
  readonly matches: (file: ByteSource) => boolean;
}

const atStart =
  (magic: string) =>
  (file: ByteSource): boolean =>
    hasBytes(file, 0n, magic);

/** Formats that are recognised, so that an error can name them, and never read. */
export const knownImageFormats: readonly KnownFormat[] = [
  { name: 'a VMDK disk of VMware ESX (COWD)', matches: atStart('COWD') },
  { name: 'a VMDK disk of VMware ESX (SESparse)', matches: atStart('\xbe\xba\xfe\xca\0\0\0\0') },
  { name: 'a QED disk', matches: atStart('QED\0') },
  { name: 'a qcow disk of version 1', matches: atStart('QFI\xfb\0\0\0\x01') },
  { name: 'a Parallels disk', matches: atStart('WithoutFreeSpace') },
  { name: 'a Parallels disk', matches: atStart('WithouFreSpacExt') },
  { name: 'a zip archive', matches: atStart('PK\x03\x04') },
  {
    name: 'a tar archive without an OVF descriptor at its start',
    matches: (file) => hasBytes(file, 257n, 'ustar'),
  },
  { name: 'a disk encrypted by LUKS', matches: atStart('LUKS\xba\xbe') },
];

/** The name of the unsupported format that `file` is in, or undefined. */
export function recogniseImageFormat(file: ByteSource): string | undefined {
  return knownImageFormats.find((known) => known.matches(file))?.name;
}
