/** Why something in an image was not read. */
export type GapReason = 'unsupported' | 'corrupt' | 'encrypted' | 'unclean' | 'limit' | 'missing';

/** Something in an image that was not read, and why. A report with a gap never reads as clean. */
export interface Gap {
  /** Where: a container, a partition or a path, as an operator would name it. */
  readonly where: string;
  readonly reason: GapReason;
  readonly detail: string;
}
