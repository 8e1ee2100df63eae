const collator = new Intl.Collator('en', { numeric: true });

/** Orders kernel releases as `uname -r` prints them, older first: numbers by value, the rest by letters. */
export function compareReleases(a: string, b: string): number {
  return collator.compare(a, b);
}
