import { extname, resolve, dirname } from 'node:path';
import { recogniseImageFormat } from '../disk/image-formats/recognise.ts';
import { imageFormats } from '../disk/image-formats/registry.ts';
import type { ImageFormatId } from '../disk/image-formats/types.ts';
import { isColdpatchError } from '../lib/errors.ts';
import { openFileSource } from '../lib/file-source.ts';

const rawExtensions = new Set(['.raw', '.img']);

/** What the header of one file says. */
export interface ChainLink {
  readonly format: ImageFormatId | null;
  /** The absolute path of the file that it is built on. */
  readonly backing: string | null;
  readonly problem: string | null;
}

/**
 * Reads the header of a file; undefined for one that is no image.
 *
 * @param declared what its machine is started with. A raw disk whose guest wrote the header of another format into it
 * must never be opened as that: it could name any file of the host.
 */
export function readLink(path: string, declared?: string): ChainLink | undefined {
  const found = readHeader(path, declared === 'raw');
  if (declared === undefined || found === undefined || found.problem !== null || found.format === declared)
    return found;
  const problem = `image_format_unsupported: its machine has it as ${declared}, but its content is ${found.format}`;
  return { format: null, backing: null, problem };
}

function readHeader(path: string, isDeclaredRaw: boolean): ChainLink | undefined {
  const mayBeRaw = isDeclaredRaw || rawExtensions.has(extname(path));
  try {
    const file = openFileSource(path);
    try {
      const adapter = imageFormats.find(({ id, detect }) => id !== 'raw' && detect(file).answer === 'yes');
      if (adapter) {
        const { backingFile } = adapter.readHeader(file);
        return linkOf(path, adapter.id, backingFile);
      }
      const other = recogniseImageFormat(file);
      if (other !== undefined && mayBeRaw)
        return { format: null, backing: null, problem: `${other} is not read` };
      return mayBeRaw ? { format: 'raw', backing: null, problem: null } : undefined;
    } finally {
      file.close();
    }
  } catch (error) {
    if (!isColdpatchError(error)) throw error;
    if (error.code === 'file_not_found') return undefined;
    return { format: null, backing: null, problem: `${error.code}: ${error.message}` };
  }
}

/** A name with a protocol (`json:`, `nbd:`) makes QEMU open something else than a file: never followed. */
function linkOf(path: string, format: ImageFormatId, named: string | undefined): ChainLink {
  if (named === undefined) return { format, backing: null, problem: null };
  const colon = named.indexOf(':');
  if ((colon !== -1 && !named.slice(0, colon).includes('/')) || named.includes('\0'))
    return { format, backing: null, problem: 'backing_file_undeclared: it names no plain backing file' };
  return { format, backing: resolve(dirname(path), named), problem: null };
}
