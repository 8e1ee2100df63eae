import type { Compression } from './compression-of.ts';

/** What the thread that decompresses is told. */
export interface ScratchRequest {
  readonly path: string;
  readonly compression: Compression;
  /** An open file of this process, which is empty. */
  readonly descriptor: number;
  /** Bytes that the file may come to have, holes counted. */
  readonly mostBytes: number;
  /** Bytes that may be written, holes not counted. */
  readonly mostWritten: number;
  /** One number, which grows with each step. */
  readonly steps: SharedArrayBuffer;
}

/** What it answers. */
export type ScratchAnswer =
  | { readonly bytes: number; readonly error?: never }
  | { readonly error: { readonly code: string; readonly message: string } };
