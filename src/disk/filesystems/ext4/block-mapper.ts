/** Neighbouring blocks of a file. */
export interface BlockRun {
  /** The block of the volume where it starts; undefined for a hole, which reads as zeros. */
  readonly physical: number | undefined;
  /** Blocks, at least 1. */
  readonly blocks: number;
}

/** Where block `logical` of a file is, and how far the run goes on from there. */
export type BlockMapper = (logical: number) => BlockRun;
