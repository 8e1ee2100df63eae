import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { hasBytes } from '../../has-bytes.ts';
import { type ExtentLine, parseExtentLine } from './parse-extent-line.ts';
import { corrupt, type SparseHeader, unsupported } from './parse-header.ts';

export interface VmdkDescriptor {
  /** `monolithicSparse`, `streamOptimized`, ...; empty when the descriptor does not say. */
  readonly createType: string;
  /** The disk that unallocated grains show, as the image names it. */
  readonly parent: string | undefined;
  /** The parts of the disk, in their order. */
  readonly extents: readonly ExtentLine[];
}

const descriptorMark = '# Disk DescriptorFile';
const largestFile = 1024 * 1024;
const mostExtents = 4096;
const noParent = 'ffffffff';
/** The types whose disk is whole in one file that has its descriptor within. */
const oneFile: ReadonlySet<string> = new Set(['', 'monolithicSparse', 'streamOptimized']);
/** The types whose descriptor is a file of its own; `vmfs` is that of a flat disk on ESX. */
const severalFiles: ReadonlySet<string> = new Set([
  'monolithicFlat',
  'twoGbMaxExtentFlat',
  'twoGbMaxExtentSparse',
  'vmfs',
]);

export function isDescriptorFile(file: ByteSource): boolean {
  return hasBytes(file, 0n, descriptorMark);
}

/** The text inside a sparse file. */
export function readEmbeddedDescriptor(
  file: ByteSource,
  { descriptor: { offset, length } }: SparseHeader,
): VmdkDescriptor {
  if (length === 0) {
    throw unsupported(
      'an extent whose descriptor is in another file: name that file, and this one by --extent',
    );
  }
  if (offset + BigInt(length) > file.size) throw corrupt('its descriptor ends after the file');
  const descriptor = parse(readBytes(file, offset, length));
  if (!oneFile.has(descriptor.createType))
    throw unsupported(`the type ${JSON.stringify(descriptor.createType)}`);
  return descriptor;
}

/** A file that is only text, and names the files of the disk. */
export function readDescriptorFile(file: ByteSource): VmdkDescriptor {
  if (file.size > BigInt(largestFile)) throw corrupt(`its descriptor has ${file.size} bytes`);
  const descriptor = parse(readBytes(file, 0n, Number(file.size)));
  const { createType, extents } = descriptor;
  if (!severalFiles.has(createType)) throw unsupported(`the type ${JSON.stringify(createType)}`);
  if (extents.length === 0) throw corrupt('its descriptor names no extents');
  return descriptor;
}

/** Lines of `name = value`, values perhaps in quotes, and lines of extents. */
function parse(bytes: Buffer): VmdkDescriptor {
  const end = bytes.indexOf(0);
  const values = new Map<string, string>();
  const extents: ExtentLine[] = [];
  for (const line of bytes.toString('utf8', 0, end === -1 ? bytes.length : end).split('\n')) {
    const [, name, quoted, plain] = /^\s*(\w+)\s*=\s*(?:"([^"]*)"|(\S*))/.exec(line) ?? [];
    if (name !== undefined && !values.has(name)) values.set(name, quoted ?? plain ?? '');
    const extent = parseExtentLine(line);
    if (extent !== undefined) extents.push(extent);
    if (extents.length > mostExtents) throw corrupt(`its descriptor has more than ${mostExtents} extents`);
  }
  const parentId = values.get('parentCID')?.toLowerCase() ?? noParent;
  const parent = parentId === noParent ? undefined : values.get('parentFileNameHint');
  if (parentId !== noParent && parent === undefined) throw unsupported('a parent that it does not name');
  return { createType: values.get('createType') ?? '', parent, extents };
}
