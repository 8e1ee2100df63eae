/** Nanoseconds since 1970 of a date and time in two-second steps; they have no zone and are taken as UTC. */
export function timeOf(date: number, time: number): bigint {
  const year = 1980 + (date >>> 9);
  const month = Math.max(1, (date >>> 5) & 0xf);
  const day = Math.max(1, date & 0x1f);
  const seconds = (time & 0x1f) * 2;
  const milliseconds = Date.UTC(year, month - 1, day, time >>> 11, (time >>> 5) & 0x3f, seconds);
  return BigInt(milliseconds) * 1_000_000n;
}
