/** 16 bytes as mdadm prints the id of an array: four groups of eight digits. */
export function formatArrayUuid(bytes: Uint8Array): string {
  const digits = Buffer.from(bytes).toString('hex');
  return [0, 8, 16, 24].map((start) => digits.slice(start, start + 8)).join(':');
}
