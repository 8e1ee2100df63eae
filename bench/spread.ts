export interface Spread {
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

/** @param values at least one. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    least: at(0),
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    most: at(sorted.length - 1),
  };
}

/** `min 1.00, median 2.00, max 3.00`. */
export function printSpread(values: readonly number[], digits = 2): string {
  const { least, median, most } = spreadOf(values);
  return `min ${least.toFixed(digits)}, median ${median.toFixed(digits)}, max ${most.toFixed(digits)}`;
}
