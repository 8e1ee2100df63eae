import { assertInside, type ByteSource, sliceOf } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { quote } from '../../quote.ts';
import { hasBytes } from '../../has-bytes.ts';
import type { ExtentLine } from './parse-extent-line.ts';
import { corrupt, parseSparseHeader, unsupported } from './parse-header.ts';
import { sparseDisk } from './sparse-disk.ts';

interface Extent {
  /** First byte on the disk. */
  readonly start: bigint;
  readonly end: bigint;
  /** Undefined where the extent is zeros. */
  readonly bytes: ByteSource | undefined;
}

const fileKinds: ReadonlySet<string> = new Set(['FLAT', 'VMFS', 'SPARSE']);

/** Bytes of the disk that these extents make. */
export function sizeOfExtents(lines: readonly ExtentLine[]): bigint {
  return lines.reduce((total, { size }) => total + size, 0n);
}

/** The files that a descriptor asks for. @throws `image_format_unsupported` for an extent of a kind that is not read. */
export function extentFiles(lines: readonly ExtentLine[]): readonly string[] {
  const named = lines.filter(({ kind }) => kind !== 'ZERO');
  const strange = named.find(({ kind, name }) => !fileKinds.has(kind) || name === '');
  if (strange !== undefined) throw unsupported(`an extent of the kind ${strange.kind}`);
  return [...new Set(named.map(({ name }) => name))];
}

/** The disk whose extents lie one behind another in `files`, by the names that the descriptor gives them. */
export function extentsDisk(
  lines: readonly ExtentLine[],
  files: ReadonlyMap<string, ByteSource>,
  backing: ByteSource | undefined,
): ByteSource {
  const extents: Extent[] = [];
  let start = 0n;
  for (const line of lines) {
    const bytes = line.kind === 'ZERO' ? undefined : openExtent(line, files, tailOf(backing, start));
    extents.push({ start, end: start + line.size, bytes });
    start += line.size;
  }
  const size = start;
  return {
    size,
    read(offset, into) {
      assertInside({ size }, offset, into.length);
      let index = extents.findIndex(({ end }) => offset < end);
      for (let done = 0; done < into.length; index += 1) {
        const extent = extents[index] as Extent;
        const position = offset + BigInt(done);
        const left = extent.end - position;
        const length = left < BigInt(into.length - done) ? Number(left) : into.length - done;
        const part = into.subarray(done, done + length);
        if (extent.bytes === undefined) part.fill(0);
        else extent.bytes.read(position - extent.start, part);
        done += length;
      }
    },
  };
}

function openExtent(
  { kind, name, offset, size }: ExtentLine,
  files: ReadonlyMap<string, ByteSource>,
  backing: ByteSource | undefined,
): ByteSource {
  const file = files.get(name);
  if (file === undefined) {
    throw new ColdpatchError(
      'extent_undeclared',
      `Expected the extent ${quote(name)}, but it was not declared.`,
    );
  }
  if (kind !== 'SPARSE') return sliceOf(file, offset, size);
  if (hasBytes(file, 0n, 'COWD')) throw unsupported('an extent of VMware ESX (COWD)');
  if (!hasBytes(file, 0n, 'KDMV')) throw corrupt(`its extent ${quote(name)} is not a sparse one`);
  const header = parseSparseHeader(file);
  if (header.virtualSize < size) {
    throw corrupt(`its extent ${quote(name)} has ${header.virtualSize} bytes in place of ${size}`);
  }
  return sparseDisk(file, backing, header);
}

/** What a parent shows from byte `start` on. */
function tailOf(backing: ByteSource | undefined, start: bigint): ByteSource | undefined {
  if (backing === undefined || backing.size <= start) return undefined;
  return sliceOf(backing, start, backing.size - start);
}
