import { type ByteSource, readBytes, sliceOf } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { compressionOf } from '../../compressed/compression-of.ts';
import { quote } from '../../quote.ts';
import type { ImageFormat, ImageParts } from '../types.ts';
import { checkManifest } from './check-manifest.ts';
import { listTar, type TarEntry } from './list-tar.ts';
import { type OvfDisk, parseOvf } from './parse-ovf.ts';

export interface PackagedDisk {
  readonly name: string;
  /** How many disks the package has. */
  readonly disks: number;
  /** What was held against the manifest. */
  readonly manifest: 'none' | 'not checked' | 'descriptor checked';
  readonly bytes: ByteSource;
  readonly adapter: ImageFormat;
}

const largestText = 1024 * 1024;

/** The chosen disk of the OVA; its number may be left out when there is only one. */
export function readPackage(
  archive: ByteSource,
  { disk: wanted, formatOf }: Omit<ImageParts, 'extents'> = {},
): PackagedDisk {
  if (formatOf === undefined) {
    throw new ColdpatchError('internal', 'An OVA was opened without a way to find the formats of its disks.');
  }
  const entries = [...listTar(archive)];
  const descriptor = entries.find(({ name }) => isDescriptor(name));
  if (descriptor === undefined) {
    throw new ColdpatchError(
      'image_format_unsupported',
      'Expected an OVA, but the archive has no OVF descriptor.',
    );
  }
  const text = readText(archive, descriptor);
  const disks = parseOvf(text.toString('utf8'));
  const chosen = choose(disks, wanted);
  const entry = entries.find(({ name }) => sameFile(name, chosen.href));
  if (entry === undefined) {
    throw new ColdpatchError(
      'image_truncated',
      `Expected the disk ${quote(chosen.href)} in the OVA, but it is not there. The file may be cut off.`,
    );
  }
  const bytes = sliceOf(archive, entry.start, entry.size);
  return {
    name: chosen.href,
    disks: disks.length,
    manifest: manifestOf(archive, entries, descriptor, text),
    bytes,
    adapter: adapterOf(bytes, chosen, formatOf),
  };
}

/** True for the name of an OVF descriptor. */
export function isDescriptor(name: string): boolean {
  return name.toLowerCase().endsWith('.ovf');
}

function choose(disks: readonly OvfDisk[], wanted: number | undefined): OvfDisk {
  const names = disks.map(({ href }, index) => `${index + 1}: ${quote(href)}`).join(', ');
  if (disks.length === 0) {
    throw new ColdpatchError(
      'image_format_unsupported',
      'Expected a disk in the OVA, but its OVF names none.',
    );
  }
  if (wanted === undefined && disks.length > 1) {
    throw new ColdpatchError(
      'usage',
      `Expected to know which disk of the OVA to read, because it has several. Name one with --disk: ${names}.`,
    );
  }
  const chosen = disks[(wanted ?? 1) - 1];
  if (chosen === undefined) {
    throw new ColdpatchError(
      'usage',
      `Expected one of the disks of the OVA (${names}), but found ${wanted}.`,
    );
  }
  if (chosen.compression !== '' || chosen.chunked) {
    const how = chosen.chunked ? 'cut into pieces' : `compressed by ${quote(chosen.compression)}`;
    throw new ColdpatchError(
      'image_format_unsupported',
      `Expected the disk ${quote(chosen.href)} as it is in the OVA, but it is ${how}. Unpack it and name the disk.`,
    );
  }
  return chosen;
}

function adapterOf(
  bytes: ByteSource,
  { href }: OvfDisk,
  formatOf: NonNullable<ImageParts['formatOf']>,
): ImageFormat {
  const compression = compressionOf(bytes);
  const adapter = compression === undefined ? formatOf(bytes, href) : undefined;
  if (adapter !== undefined && adapter.id !== 'ova') return adapter;
  throw new ColdpatchError(
    'image_format_unsupported',
    `Expected a disk that is read at ${quote(href)} in the OVA, but found ${compression ? `a file compressed by ${compression}` : 'another OVA'}. ` +
      'Unpack it and name the disk.',
  );
}

function manifestOf(
  archive: ByteSource,
  entries: readonly TarEntry[],
  descriptor: TarEntry,
  text: Buffer,
): PackagedDisk['manifest'] {
  const manifest = entries.find(({ name }) => name.toLowerCase().endsWith('.mf'));
  if (manifest === undefined) return 'none';
  const lines = readText(archive, manifest).toString('utf8');
  return checkManifest(lines, baseName(descriptor.name), text) ? 'descriptor checked' : 'not checked';
}

function readText(archive: ByteSource, { name, start, size }: TarEntry): Buffer {
  if (size <= BigInt(largestText)) return readBytes(archive, start, Number(size));
  throw new ColdpatchError(
    'limit_exceeded',
    `Expected ${quote(name)} in the OVA to have at most ${largestText} bytes, but it has ${size}.`,
  );
}

function sameFile(name: string, href: string): boolean {
  return name === href || name === `./${href}`;
}

function baseName(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}
