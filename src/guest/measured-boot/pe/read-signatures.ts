import { binaryReader } from '../../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { derChildren, derValue } from './der.ts';
import type { PeFile } from './parse-pe.ts';

/** A signature that a program carries. Whether it is valid is not said: nothing is computed but what it covers. */
export interface PeSignature {
  /** All certificates that it brings, in DER. */
  readonly certificates: readonly Uint8Array[];
  /** What it signs, in DER: the digest of the program is in it. */
  readonly content: Uint8Array;
}

const signedData = 0x0002;
const entryHeader = 8;
const largestTable = 1024 * 1024;
const mostSignatures = 16;
const mostCertificates = 32;
const contextZero = 0xa0;

/**
 * The PKCS #7 signatures of a program (WIN_CERTIFICATE entries, each on a border of eight bytes).
 * @throws ColdpatchError `boot_program_corrupt`, `limit_exceeded`.
 */
export function readSignatures(file: ByteSource, { certificates }: PeFile): readonly PeSignature[] {
  const { offset, size } = certificates;
  if (size > largestTable) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected the signatures of a program to have at most ${largestTable} bytes, but they have ${size}.`,
    );
  }
  const bytes = size === 0 ? Buffer.alloc(0) : readBytes(file, BigInt(offset), size);
  const reader = binaryReader(bytes, {
    order: 'little',
    code: 'boot_program_corrupt',
    what: 'the signatures',
  });
  const found: PeSignature[] = [];
  for (let at = 0; at + entryHeader <= bytes.length && found.length < mostSignatures; ) {
    const length = reader.u32(at);
    if (length < entryHeader) break;
    if (reader.u16(at + 6) === signedData)
      found.push(parse(reader.bytes(at + entryHeader, length - entryHeader)));
    at += Math.ceil(length / 8) * 8;
  }
  return found;
}

/** ContentInfo { type, [0] SignedData { version, digests, content, [0] certificates, ... } }, RFC 2315. */
function parse(bytes: Uint8Array): PeSignature {
  const [, explicit] = derChildren(derValue(bytes));
  const [signed] = explicit ? derChildren(explicit) : [];
  const [, , content, ...others] = signed ? derChildren(signed) : [];
  const set = others.find(({ tag }) => tag === contextZero);
  const certificates = (set ? derChildren(set) : []).slice(0, mostCertificates).map(({ whole }) => whole);
  return { certificates, content: content?.body ?? new Uint8Array() };
}
