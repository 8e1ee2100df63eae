/** 1601-01-01 to 1970-01-01, in units of 100 nanoseconds. */
const epoch = 116_444_736_000_000_000n;

/** A time of Windows (FILETIME: units of 100 nanoseconds since 1601) as ISO 8601; undefined before 1970 and after 9999. */
export function isoOfFiletime(time: bigint): string | undefined {
  const milliseconds = Number((time - epoch) / 10_000n);
  if (milliseconds <= 0 || milliseconds >= Date.UTC(10_000, 0)) return undefined;
  return new Date(milliseconds).toISOString();
}
