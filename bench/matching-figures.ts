export const images = 500;
export const packagesPerImage = 600;

/** The naive way is only run for so many of them. */
export const naiveImages = 20;

/** What one process that matches says of itself. */
export interface MatchingFigures {
  /** Until the feed is at hand. */
  readonly loadSeconds: number;
  readonly matchSeconds: number;
  /** Of the processor, of both together: what a busy machine does not change. */
  readonly processorSeconds: number;
  /** The most memory of the process that was resident at once. */
  readonly peakMegabytes: number;
  /** How many vulnerabilities touch each of the first images: both ways must agree. */
  readonly sampleFindings: readonly number[];
}
