import { basename, dirname, resolve } from 'node:path';
import type { ByteSource } from '../lib/byte-source.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { openFileSource } from '../lib/file-source.ts';
import { type Compression, compressionOf } from './compressed/compression-of.ts';
import { openDecompressed, type ScratchOptions } from './compressed/open-decompressed.ts';
import { recogniseImageFormat } from './image-formats/recognise.ts';
import { imageFormatById, imageFormats } from './image-formats/registry.ts';
import type { ImageFormat, ImageFormatId } from './image-formats/types.ts';
import { type OpenedExtents, openExtents } from './open-extents.ts';
import { quote } from './quote.ts';
import type { ChainMember } from './types.ts';

/** A file that the operator named. */
export interface DeclaredFile {
  readonly path: string;
  /** Found out from the file when it is not given. */
  readonly format?: ImageFormatId | undefined;
}

export interface OpenedChain {
  /** Image first, then its backing files. */
  readonly chain: readonly ChainMember[];
  readonly disk: ByteSource;
  close(): void;
}

/** What the operator declares or chooses besides the image and its backing files. */
export interface ChainOptions {
  /** Files that members of the chain keep their disks in. */
  readonly extents?: readonly string[] | undefined;
  /** Which disk of an image that holds several, from 1. */
  readonly disk?: number | undefined;
  readonly scratch?: ScratchOptions | undefined;
}

interface OpenedMember extends ChainMember {
  /** The image as it is, or unpacked. */
  readonly file: ByteSource & { close(): void };
  readonly adapter: ImageFormat;
}

const longestChain = 32;

/** Opens an image and exactly those other files that the operator declared; the backing files in their order. */
export function openChain(
  image: DeclaredFile,
  backing: readonly DeclaredFile[],
  options: ChainOptions = {},
): OpenedChain {
  if (backing.length >= longestChain) {
    throw new ColdpatchError(
      'usage',
      `Expected at most ${longestChain - 1} backing files, but found ${backing.length}.`,
    );
  }
  const members: OpenedMember[] = [];
  const extents = openExtents(options.extents ?? []);
  const close = (): void => {
    extents.close();
    for (const { file } of members) {
      file.close();
    }
  };
  try {
    openMember(image, undefined, members, options);
    assertDiskChosen(members[0] as OpenedMember, options.disk);
    for (const declared of backing) {
      const above = members.at(-1) as OpenedMember;
      assertNames(above, declared);
      openMember(declared, above, members, { scratch: options.scratch });
    }
    assertComplete(members);
    const disk = openDisk(members, extents, options.disk);
    return { chain: members.map(({ file: _file, adapter: _adapter, ...member }) => member), disk, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** From the last backing file up to the image. */
function openDisk(
  members: readonly OpenedMember[],
  extents: OpenedExtents,
  disk: number | undefined,
): ByteSource {
  return members.reduceRight<ByteSource | undefined>(
    (below, member) =>
      member.adapter.open(member.file, below, { extents: extents.of(member), disk, formatOf }),
    undefined,
  ) as ByteSource;
}

function openMember(
  declared: DeclaredFile,
  above: OpenedMember | undefined,
  members: OpenedMember[],
  { disk, scratch = {} }: ChainOptions,
): void {
  const { path } = declared;
  const plain = openFileSource(path);
  let file: OpenedMember['file'] = plain;
  try {
    const format = declared.format ?? namedFormat(above);
    const compression = format === 'raw' ? undefined : compressionOf(plain);
    if (compression !== undefined) {
      file = openDecompressed(path, compression, scratch);
      plain.close();
      assertPlain(file, path, compression);
    }
    const adapter = adapterFor(file, path, format);
    const header = adapter.readHeader(file, { disk, formatOf });
    members.push({
      path,
      header,
      fileSize: plain.size,
      ...(compression !== undefined && { compression }),
      file,
      adapter,
    });
  } catch (error) {
    file.close();
    plain.close();
    throw error;
  }
}

function assertPlain(file: ByteSource, path: string, outer: Compression): void {
  const inner = compressionOf(file);
  if (inner === undefined) return;
  throw new ColdpatchError(
    'image_format_unsupported',
    `Expected an image within the ${outer} file ${path}, but found another compressed file (${inner}). Unpack it first.`,
  );
}

function assertDiskChosen({ path, header }: OpenedMember, disk: number | undefined): void {
  if (disk === undefined || header.format === 'ova') return;
  throw new ColdpatchError(
    'usage',
    `Expected no number of a disk, because ${path} (${header.format}) has only one.`,
  );
}

/** The format that an overlay gives for its backing file, as QEMU trusts it. */
function namedFormat(above: OpenedMember | undefined): ImageFormatId | undefined {
  const named = above?.header.properties['backingFormat'];
  if (above === undefined || named === undefined) {
    return undefined;
  }
  const known = imageFormats.find(({ id }) => id === named);
  if (known === undefined) {
    throw new ColdpatchError(
      'image_format_unsupported',
      `Expected ${above.path} to have a backing file in a format that is read, but it names ${quote(String(named))}.`,
    );
  }
  return known.id;
}

/** The format of a disk that is known by its bytes alone. */
function formatOf(bytes: ByteSource, name: string): ImageFormat {
  return adapterFor(bytes, name, undefined);
}

function adapterFor(file: ByteSource, path: string, format: ImageFormatId | undefined): ImageFormat {
  if (format !== undefined) {
    return imageFormatById(format);
  }
  const marked = imageFormats.find((known) => known.id !== 'raw' && known.detect(file).answer === 'yes');
  if (marked !== undefined) {
    return marked;
  }
  const other = recogniseImageFormat(file);
  if (other !== undefined) {
    throw new ColdpatchError(
      'image_format_unsupported',
      `Expected an image in one of the formats ${imageFormats.map(({ id }) => id).join(', ')} at ${path}, but found ${other}. ` +
        'Convert or unpack it, or say that it is raw if you know so.',
    );
  }
  return imageFormatById('raw');
}

/** A name is compared, never opened: only declared paths are. */
function assertNames(above: OpenedMember, declared: DeclaredFile): void {
  const named = above.header.backingFile;
  if (named === undefined) {
    throw new ColdpatchError(
      'usage',
      `Expected no backing file, because ${above.path} names none, but ${declared.path} was declared.`,
    );
  }
  refuseProtocol(above, named);
  const isSame = resolve(dirname(above.path), named) === resolve(declared.path);
  if (!isSame && basename(named) !== basename(declared.path)) {
    throw undeclared(above, named, `but ${declared.path} was declared`);
  }
}

function assertComplete(members: readonly OpenedMember[]): void {
  const last = members.at(-1) as OpenedMember;
  const named = last.header.backingFile;
  if (named !== undefined) {
    refuseProtocol(last, named);
    throw undeclared(last, named, 'but none was declared');
  }
}

/** Names such as `json:{...}` or `nbd://host/` make QEMU open something else than a file. */
function refuseProtocol(above: OpenedMember, named: string): void {
  const colon = named.indexOf(':');
  const slash = named.indexOf('/');
  if (colon !== -1 && (slash === -1 || colon < slash)) {
    throw new ColdpatchError(
      'backing_file_undeclared',
      `Expected ${above.path} to name a plain backing file, but it names ${quote(named)}. ` +
        'Give it another name on a copy with qemu-img rebase -u.',
    );
  }
}

function undeclared(above: OpenedMember, named: string, found: string): ColdpatchError {
  return new ColdpatchError(
    'backing_file_undeclared',
    `Expected the backing file ${quote(named)}, which ${above.path} names, ${found}. ` +
      'If you trust that file, declare it.',
  );
}
