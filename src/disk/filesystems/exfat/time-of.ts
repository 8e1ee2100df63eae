const quarter = 15 * 60_000;

/**
 * Nanoseconds since 1970.
 * @param stamp date and time in steps of two seconds.
 * @param tens hundredths of a second to add, 199 at most.
 * @param zone the offset from UTC in quarters of an hour, when its upper bit says that it is known; else UTC is meant.
 */
export function timeOf(stamp: number, tens: number, zone: number): bigint {
  const year = 1980 + (stamp >>> 25);
  const month = Math.max(1, (stamp >>> 21) & 0xf);
  const day = Math.max(1, (stamp >>> 16) & 0x1f);
  const seconds = (stamp & 0x1f) * 2;
  const local = Date.UTC(year, month - 1, day, (stamp >>> 11) & 0x1f, (stamp >>> 5) & 0x3f, seconds);
  const offset = (zone & 0x80) === 0 ? 0 : (((zone & 0x7f) ^ 0x40) - 0x40) * quarter;
  return BigInt(local + tens * 10 - offset) * 1_000_000n;
}
