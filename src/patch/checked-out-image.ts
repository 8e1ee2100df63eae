import type { WritableFormatId } from '../disk/image-formats/types.ts';

/** An image that nobody else may change for the length of a run. What the room `machines` gives, `patch` works with. */
export interface CheckedOutImage {
  /** Absolute, free of symbolic links. */
  readonly path: string;
  /** What an earlier, killed run had left and what became of it; for people. */
  readonly recovered: readonly string[];
  /** An empty directory beside the image; gone when the run ends. */
  readonly workDirectory: string;
  /** SHA-256 of the image, begun at the first call. */
  digest(signal: AbortSignal): Promise<string>;
  /** Room for a copy of the image, and for `extra` bytes that it grows by. @throws ColdpatchError `host_space`. */
  assertRoomForCopy(extra: bigint): Promise<void>;
  /** Copies the image into the work directory. */
  copy(signal: AbortSignal): Promise<{ readonly path: string; readonly method: 'reflink' | 'copy' }>;
  /**
   * Puts the copy in the image's place, atomically, and keeps the image as a generation.
   * @returns the number of the generation.
   * @throws ColdpatchError `image_changed`.
   */
  promote(promotion: Promotion): Promise<number>;
  /** Adds a file to a generation. */
  attach(generation: number, name: string, bytes: Uint8Array | string): Promise<void>;
}

export interface Promotion {
  readonly copy: string;
  readonly format: WritableFormatId;
  /** SHA-256 of the image that is replaced. */
  readonly digest: string;
}
