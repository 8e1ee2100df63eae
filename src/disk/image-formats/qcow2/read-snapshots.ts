import { binaryReader } from '../../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { snapshot } from './layout.ts';
import type { Qcow2Header } from './parse-header.ts';

/** Further ones are counted, not named. */
const mostNamed = 100;

/** The names of the internal snapshots (section "Snapshots"), the first hundred of them, oldest first. */
export function readSnapshots(
  file: ByteSource,
  { snapshotCount, snapshotsOffset }: Qcow2Header,
): readonly string[] {
  if (snapshotCount > snapshot.most) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected at most ${snapshot.most} internal snapshots, but the header names ${snapshotCount}.`,
    );
  }
  const names: string[] = [];
  let at = snapshotsOffset;
  for (let left = Math.min(snapshotCount, mostNamed); left > 0; left -= 1) {
    const fixed = fieldsAt(file, at, snapshot.fixedBytes);
    const idBytes = fixed.u16(snapshot.idBytes);
    const nameBytes = fixed.u16(snapshot.nameBytes);
    const extraBytes = fixed.u32(snapshot.extraBytes);
    if (extraBytes > snapshot.largestExtra) {
      throw new ColdpatchError(
        'image_corrupt',
        `Expected at most ${snapshot.largestExtra} bytes of extra data in an internal snapshot, but found ${extraBytes}.`,
      );
    }
    const nameAt = snapshot.fixedBytes + extraBytes + idBytes;
    names.push(fieldsAt(file, at + BigInt(nameAt), nameBytes).text(0, nameBytes));
    at += BigInt(Math.ceil((nameAt + nameBytes) / 8) * 8);
  }
  return names;
}

function fieldsAt(file: ByteSource, at: bigint, length: number) {
  return binaryReader(readBytes(file, at, length), {
    order: 'big',
    code: 'image_corrupt',
    what: 'an internal snapshot of the qcow2 image',
  });
}
