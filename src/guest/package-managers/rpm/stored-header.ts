import type { ByteSource } from '../../../lib/byte-source.ts';
import type { ColdpatchError } from '../../../lib/errors.ts';

/**
 * The header of one package as its database keeps it; or why it, or a part of the database, could not be read.
 * Damage of one part must not hide the others.
 */
export type StoredHeader = Uint8Array | ColdpatchError;

/** One way in which rpm keeps its headers in a file. */
export interface DatabaseBackend {
  /** The file in rpm's directory. */
  readonly fileName: string;
  /** A file beside it that holds what was not merged yet. */
  readonly logName?: string;
  /**
   * The headers in the order of the file, each read when it is asked for.
   * Every part of the file is read once at most, whatever it says of itself.
   *
   * @throws `package_database_unreadable`, `limit_exceeded` when nothing more can be read.
   */
  readHeaders(file: ByteSource, log: ByteSource | undefined): Iterable<StoredHeader>;
}

/** Bytes of a header that are read at most; the largest known ones, with 100,000 files, have about ten million. */
export const maximumHeader = 64 * 1024 * 1024;

/** Bytes of a database that are read at most. */
export const maximumDatabase = 2n * 1024n * 1024n * 1024n;
