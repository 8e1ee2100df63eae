/** A reference to a file record: the record, and how often it had been given to a file when the reference was made. */
export interface RecordReference {
  readonly record: number;
  readonly sequence: number;
}

export function parseReference(stored: bigint): RecordReference {
  return { record: Number(stored & 0xffffffffffffn), sequence: Number(stored >> 48n) };
}
