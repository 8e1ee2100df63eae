import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { corrupt, type SparseHeader, unsupported } from './parse-header.ts';

export interface VmdkDescriptor {
  /** `monolithicSparse`, `streamOptimized`, ...; empty when the descriptor does not say. */
  readonly createType: string;
  /** The disk that unallocated grains show, as the image names it. */
  readonly parent: string | undefined;
}

const noParent = 'ffffffff';
/** The types whose disk is whole in this one file. */
const oneFile: ReadonlySet<string> = new Set(['', 'monolithicSparse', 'streamOptimized']);

/** The text inside the file: lines of `name = value`, values perhaps in quotes. */
export function readDescriptor(
  file: ByteSource,
  { descriptor: { offset, length } }: SparseHeader,
): VmdkDescriptor {
  if (length === 0) throw unsupported('an extent whose descriptor is in another file');
  if (offset + BigInt(length) > file.size) throw corrupt('its descriptor ends after the file');
  const text = readBytes(file, offset, length).toString('utf8').replace(/\0.*$/s, '');
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, quoted, plain] = /^\s*(\w+)\s*=\s*(?:"([^"]*)"|(\S*))/.exec(line) ?? [];
    if (name !== undefined && !values.has(name)) values.set(name, quoted ?? plain ?? '');
  }
  const createType = values.get('createType') ?? '';
  if (!oneFile.has(createType)) throw unsupported(`the type ${JSON.stringify(createType)}`);
  const parentId = values.get('parentCID')?.toLowerCase() ?? noParent;
  const parent = parentId === noParent ? undefined : values.get('parentFileNameHint');
  if (parentId !== noParent && parent === undefined) throw unsupported('a parent that it does not name');
  return { createType, parent };
}
