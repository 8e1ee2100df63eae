/** What every benchmark gets. */
export interface BenchContext {
  /** The outdated server image: stays as it is. */
  readonly image: string;
  /** On the disk of the images; gone afterwards. */
  readonly folder: string;
  /** How often each of the two is run, in turn. */
  readonly pairs: number;
  print(line: string): void;
}

export interface Bench {
  readonly name: string;
  /** @returns whether the target was reached. */
  run(context: BenchContext): Promise<boolean>;
}
