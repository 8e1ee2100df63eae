import { binaryReader } from '../../lib/binary-reader.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { formatGuid } from '../format-guid.ts';

/** One entry of db or dbx. */
export interface Signature {
  /** What `data` is; `other` for a kind that nobody here judges by. */
  readonly kind: 'sha256' | 'x509' | 'x509-sha256' | 'other';
  /** The digest, or the certificate in DER; of `x509-sha256` the digest of its signed part, and a time. */
  readonly data: Uint8Array;
}

const kinds: Readonly<Record<string, Exclude<Signature['kind'], 'other'>>> = {
  'c1c41626-504c-4092-aca9-41f936934328': 'sha256',
  'a5c059a1-94e4-4aa7-87b5-ab155c2bf072': 'x509',
  '3bd2a492-96c0-4079-b420-fcf98ef103ed': 'x509-sha256',
};
const leastBytes = { sha256: 32, x509: 1, 'x509-sha256': 32 } as const;
const headerBytes = 28;
const ownerBytes = 16;
const mostSignatures = 100_000;

/**
 * The entries of EFI_SIGNATURE_LISTs one behind the other, as db and dbx hold them.
 * UEFI specification 2.10, section 32.4.1.
 *
 * @throws ColdpatchError `uefi_variables_invalid` when a list contradicts itself.
 */
export function parseSignatureLists(data: Uint8Array): readonly Signature[] {
  const reader = binaryReader(data, {
    order: 'little',
    code: 'uefi_variables_invalid',
    what: 'the list of signatures',
  });
  const found: Signature[] = [];
  for (let at = 0; at < data.length; at += reader.u32(at + 16)) {
    const type = formatGuid(reader.bytes(at, 16));
    const listBytes = reader.u32(at + 16);
    const ownHeader = reader.u32(at + 20);
    const size = reader.u32(at + 24);
    const first = at + headerBytes + ownHeader;
    const bodyBytes = listBytes - headerBytes - ownHeader;
    const kind = Object.hasOwn(kinds, type) ? (kinds[type] ?? 'other') : 'other';
    const least = ownerBytes + (kind === 'other' ? 0 : leastBytes[kind]);
    if (bodyBytes < 0 || size < least || bodyBytes % size !== 0 || at + listBytes > data.length) {
      throw new ColdpatchError(
        'uefi_variables_invalid',
        `Expected a list of signatures at byte ${at} of ${data.length}, but its sizes contradict each other ` +
          `(${listBytes} bytes, entries of ${size}). Take the file of UEFI variables from a machine that starts.`,
      );
    }
    const count = bodyBytes / size;
    if (found.length + count > mostSignatures) {
      throw new ColdpatchError(
        'uefi_variables_invalid',
        `Expected at most ${mostSignatures} signatures, but found more.`,
      );
    }
    for (let index = 0; index < count; index += 1) {
      found.push({ kind, data: reader.bytes(first + index * size + ownerBytes, size - ownerBytes) });
    }
  }
  return found;
}
