import { formatUuid } from './format-uuid.ts';

/** A GUID as UEFI stores it: its first three groups are little-endian. */
export function formatGuid(bytes: Uint8Array): string {
  const [a, b, c, d, e, f, g, h, ...rest] = bytes;
  return formatUuid(Uint8Array.from([d, c, b, a, f, e, h, g, ...rest] as number[]));
}
