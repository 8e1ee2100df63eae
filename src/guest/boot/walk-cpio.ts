import { ColdpatchError } from '../../lib/errors.ts';
import type { ByteStream } from './byte-stream.ts';

const headerBytes = 110;
const maximumNameBytes = 4096;
const maximumMembers = 500_000;
const trailer = 'TRAILER!!!';

/**
 * The names of the members of one cpio archive of the "new ASCII" kind (magic 070701 or 070702; the kernel's
 * Documentation/driver-api/early-userspace/buffer-format.rst). Stops behind the trailer.
 *
 * @throws `image_corrupt`, `image_truncated`, `limit_exceeded`
 */
export async function* walkCpio(stream: ByteStream): AsyncGenerator<string> {
  for (let member = 0; member < maximumMembers; member += 1) {
    const header = (await stream.take(headerBytes)).toString('latin1');
    if (header.length < headerBytes) throw cutOff();
    if (!/^07070[12][0-9a-fA-F]{104}$/.test(header)) {
      throw new ColdpatchError(
        'image_corrupt',
        'Expected the header of a cpio archive member in the initramfs.',
      );
    }
    const fileSize = Number.parseInt(header.slice(54, 62), 16);
    const nameSize = Number.parseInt(header.slice(94, 102), 16);
    if (nameSize === 0 || nameSize > maximumNameBytes) {
      throw new ColdpatchError(
        'image_corrupt',
        `Expected a name in the initramfs, found one of ${nameSize} bytes.`,
      );
    }
    const padded = nameSize + padding(headerBytes + nameSize);
    const name = (await stream.take(padded)).toString('utf8', 0, nameSize - 1);
    if (name === trailer) return;
    if (!(await stream.skip(fileSize + padding(fileSize)))) throw cutOff();
    yield name;
  }
  throw new ColdpatchError('limit_exceeded', `Expected at most ${maximumMembers} files in the initramfs.`);
}

/** Bytes up to the next multiple of four. */
function padding(length: number): number {
  return (4 - (length % 4)) % 4;
}

function cutOff(): ColdpatchError {
  return new ColdpatchError(
    'image_truncated',
    'Expected more of the initramfs, but it ends inside an archive.',
  );
}
