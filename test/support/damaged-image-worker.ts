/** The module of a thread that reads an image with damages that are laid over it, as an inspection and `cat` would. */
import { imageFormatById } from '../../src/disk/image-formats/registry.ts';
import type { ImageFormatId } from '../../src/disk/image-formats/types.ts';
import { openVolumes } from '../../src/disk/open-volumes.ts';
import type { Volume } from '../../src/disk/types.ts';
import { mountTree } from '../../src/guest/file-tree.ts';
import { inspectImage } from '../../src/guest/inspect-image.ts';
import { assertInside, type ByteSource, readBytes } from '../../src/lib/byte-source.ts';
import { isColdpatchError } from '../../src/lib/errors.ts';
import { openFileSource } from '../../src/lib/file-source.ts';
import { answerInWorker } from '../../src/lib/worker-pool.ts';

export interface Damage {
  readonly offset: number;
  /** Written over what is there. */
  readonly bytes: readonly number[];
}

export interface DamagedImage {
  readonly path: string;
  readonly format: ImageFormatId;
  readonly damages: readonly Damage[];
  /** The file ends here; whole unless given. */
  readonly length?: number;
  /** Report which parts are read. */
  readonly trace?: boolean;
}

export interface DamagedReading {
  readonly packages: number;
  readonly gaps: number;
  readonly files: number;
  /** Offset and length of every read, when asked for. */
  readonly reads: readonly (readonly [number, number])[];
}

const mostFiles = 300;
const mostBytes = 64 * 1024;

function readDamaged({ path, format, damages, length, trace }: DamagedImage): DamagedReading {
  const file = openFileSource(path);
  const reads: (readonly [number, number])[] = [];
  try {
    const size = length === undefined ? file.size : BigInt(length);
    const source: ByteSource = {
      size,
      read(offset, into) {
        assertInside(source, offset, into.length);
        file.read(offset, into);
        if (trace === true) reads.push([Number(offset), into.length]);
        for (const damage of damages) lay(damage, Number(offset), into);
      },
    };
    const adapter = imageFormatById(format);
    const header = adapter.readHeader(source);
    const disk = adapter.open(source, undefined);
    const volumes = openVolumes(disk);
    const inspection = inspectImage({ chain: [{ path, header, fileSize: size }], disk, ...volumes });
    const files = volumes.volumes.map(readFiles).reduce((sum, count) => sum + count, 0);
    return { packages: inspection.packages.length, gaps: inspection.gaps.length, files, reads };
  } finally {
    file.close();
  }
}

function lay({ offset, bytes }: Damage, start: number, into: Uint8Array): void {
  bytes.forEach((byte, index) => {
    const at = offset + index - start;
    if (at >= 0 && at < into.length) into[at] = byte;
  });
}

/** Walks a volume and reads the beginnings of its files. What cannot be read is skipped, as `cp` does. */
function readFiles({ filesystem }: Volume): number {
  if (filesystem === undefined) return 0;
  const tree = mountTree([{ path: '/', filesystem }]);
  const open = ['/'];
  let files = 0;
  for (let path = open.pop(); path !== undefined && files < mostFiles; path = open.pop()) {
    for (const name of tolerate(() => tree.list(path).map((entry) => entry.name)) ?? []) {
      files += 1;
      const inside = path === '/' ? `/${name}` : `${path}/${name}`;
      const status = tolerate(() => tree.linkStatus(inside));
      if (status?.type === 'directory') open.push(inside);
      if (status?.type === 'symlink') tolerate(() => filesystem.readLink(status.inode));
      if (status?.type === 'file') tolerate(() => readBeginning(filesystem.openFile(status.inode)));
      if (status !== undefined) tolerate(() => filesystem.extendedAttributes(status.inode));
    }
  }
  return files;
}

function readBeginning(content: ByteSource): void {
  readBytes(content, 0n, Number(content.size < BigInt(mostBytes) ? content.size : BigInt(mostBytes)));
}

function tolerate<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (isColdpatchError(error)) return undefined;
    throw error;
  }
}

await answerInWorker(readDamaged);
