import type { Dirent } from 'node:fs';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ByteSource, readBytes } from '../lib/byte-source.ts';
import { isColdpatchError } from '../lib/errors.ts';
import { openFileSource } from '../lib/file-source.ts';
import type { Gap } from '../lib/gap.ts';
import * as layout from '../disk/image-formats/qcow2/layout.ts';
import { diskName } from './generations/manifest.ts';
import { stateContainer, stateDirectoryOf } from './generations/state-directory.ts';

export interface Children {
  /** Images that name this one as their backing file. */
  readonly children: readonly string[];
  /** What could not be looked at, and so may be a child too. */
  readonly gaps: readonly Gap[];
}

const mostEntries = 100_000;
const fixedHeaderBytes = 20;

/**
 * Looks for qcow2 images that are built on the image at `imagePath`: changing it would corrupt them.
 *
 * Looks at the regular files of the given directories, not below them, and at the generations that are kept of them, which
 * may come back; and only at their headers.
 * A header is read even when the rest of the image could not be: a feature that is unknown here does not unmake a child.
 */
export function findChildren(imagePath: string, directories: readonly string[]): Children {
  const image = statSync(imagePath, { bigint: true });
  const children: string[] = [];
  const gaps: Gap[] = [];
  const isImage = (path: string): boolean => {
    const found = statOrUndefined(path);
    return found?.dev === image.dev && found.ino === image.ino;
  };
  for (const directory of new Set(directories.map((directory) => resolve(directory)))) {
    const found = [...filesIn(directory, gaps), ...generationsIn(directory, gaps)];
    if (found.length > mostEntries) {
      gaps.push({
        where: directory,
        reason: 'limit',
        detail: `only ${mostEntries} of its ${found.length} images and generations were looked at`,
      });
    }
    for (const path of found.slice(0, mostEntries)) {
      const named = backingNamesOf(path, gaps).map((name) => resolve(directory, name));
      if (named.some(isImage) && !isImage(path)) children.push(path);
    }
  }
  return { children, gaps };
}

function filesIn(directory: string, gaps: Gap[]): readonly string[] {
  return entriesOf(directory, gaps)
    .filter((entry) => entry.isFile())
    .map((entry) => join(directory, entry.name));
}

/** The disks of the generations of images in `directory`: in the place of the image they would be children. */
function generationsIn(directory: string, gaps: Gap[]): readonly string[] {
  const container = join(directory, stateContainer);
  if (!existsSync(container)) return [];
  return entriesOf(container, gaps)
    .map((entry) => stateDirectoryOf(join(directory, entry.name)).generations)
    .filter((generations) => existsSync(generations))
    .flatMap((generations) =>
      entriesOf(generations, gaps).map((entry) => join(generations, entry.name, diskName)),
    );
}

function entriesOf(directory: string, gaps: Gap[]): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    gaps.push({ where: directory, reason: 'missing', detail: (error as Error).message });
    return [];
  }
}

/** Paths of this host that the image at `path` may mean by its backing file, as it names them. */
function backingNamesOf(path: string, gaps: Gap[]): readonly string[] {
  try {
    const file = openFileSource(path);
    try {
      const name = backingNameOf(file);
      return name === undefined ? [] : localPathsOf(name);
    } finally {
      file.close();
    }
  } catch (error) {
    // A file that went away between listing and opening is nobody's child.
    if (isColdpatchError(error, 'file_not_found', 'image_not_a_file')) return [];
    if (!isColdpatchError(error)) throw error;
    gaps.push({ where: path, reason: 'missing', detail: error.message });
    return [];
  }
}

/** The backing file as a qcow2 header names it; undefined for all other files, and for names that QEMU refuses. */
function backingNameOf(file: ByteSource): string | undefined {
  if (file.size < BigInt(layout.version2HeaderBytes)) return undefined;
  const header = readBytes(file, 0n, fixedHeaderBytes);
  if (header.readUInt32BE(layout.header.magic) !== layout.magic) return undefined;
  const offset = header.readBigUInt64BE(layout.header.backingFileOffset);
  const length = header.readUInt32BE(layout.header.backingFileSize);
  if (offset === 0n || length === 0 || length > layout.longestBackingFile) return undefined;
  if (offset + BigInt(length) > file.size) return undefined;
  return readBytes(file, offset, length).toString('utf8');
}

/** QEMU's three spellings of a local file: a path, `file:path`, and `json:` with options anywhere inside. */
function localPathsOf(name: string): readonly string[] {
  if (name.startsWith('json:')) return fileNamesIn(name.slice('json:'.length));
  return [name.startsWith('file:') ? name.slice('file:'.length).replace(/^\/\/(?=\/)/, '') : name];
}

function fileNamesIn(json: string): readonly string[] {
  const found: string[] = [];
  try {
    JSON.parse(json, (key, value: unknown) => {
      if ((key === 'filename' || key.endsWith('.filename')) && typeof value === 'string') found.push(value);
      return value;
    });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return found;
}

function statOrUndefined(path: string): { readonly dev: bigint; readonly ino: bigint } | undefined {
  if (path.includes('\0')) return undefined;
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
