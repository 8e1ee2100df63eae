import { programCorrupt } from './corrupt.ts';

/** A value of DER (ITU-T X.690) where it lies in its bytes. */
export interface DerValue {
  readonly tag: number;
  readonly body: Uint8Array;
  /** With its tag and length. */
  readonly whole: Uint8Array;
}

const mostChildren = 1024;

/** The value at the start of `bytes`. @throws ColdpatchError `boot_program_corrupt`. */
export function derValue(bytes: Uint8Array): DerValue {
  const [tag, short] = bytes;
  if (tag === undefined || short === undefined)
    throw programCorrupt('a value of DER', 'the end of the signature');
  const longBytes = short > 0x80 ? short - 0x80 : 0;
  if (longBytes > 4 || short === 0x80) throw programCorrupt('a length of DER', `0x${short.toString(16)}`);
  let length = longBytes === 0 ? short : 0;
  for (const byte of bytes.subarray(2, 2 + longBytes)) length = length * 256 + byte;
  const start = 2 + longBytes;
  if (start + length > bytes.length) {
    throw programCorrupt(`a value of DER of ${length} bytes`, `${bytes.length} bytes in all`);
  }
  return { tag, body: bytes.subarray(start, start + length), whole: bytes.subarray(0, start + length) };
}

/** The values inside a value that is made of others. @throws ColdpatchError `boot_program_corrupt`. */
export function derChildren({ body }: Pick<DerValue, 'body'>): readonly DerValue[] {
  const children: DerValue[] = [];
  for (let rest = body; rest.length > 0; ) {
    if (children.length === mostChildren)
      throw programCorrupt(`at most ${mostChildren} values of DER`, 'more');
    const child = derValue(rest);
    children.push(child);
    rest = rest.subarray(child.whole.length);
  }
  return children;
}
