import { longTimeBytes, shortTimeBytes } from './layout.ts';

const quarter = 15 * 60_000;

/** Nanoseconds since 1970 of a stamp of 7 bytes; 0 when it was not set. */
export function timeOf(bytes: Buffer): bigint {
  const [years = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = bytes.subarray(0, shortTimeBytes);
  if (month === 0 || day === 0) {
    return 0n;
  }
  const offset = bytes.readInt8(6) * quarter;
  return BigInt(Date.UTC(1900 + years, month - 1, day, hour, minute, second) - offset) * 1_000_000n;
}

/** Of a stamp of 17 bytes: digits down to hundredths of a second. */
export function longTimeOf(bytes: Buffer): bigint {
  const digits = bytes.toString('latin1', 0, 16);
  const [, year = '', month = '', day = '', hour = '', minute = '', second = '', hundredths = ''] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(digits) ?? [];
  if (bytes.length < longTimeBytes || Number(month) === 0 || Number(day) === 0) {
    return 0n;
  }
  const whole = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  return BigInt(whole + Number(hundredths) * 10 - bytes.readInt8(16) * quarter) * 1_000_000n;
}
