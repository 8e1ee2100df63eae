import { ColdpatchError } from '../../lib/errors.ts';

/** `swtpmlin`, as swtpm writes it: a little-endian number of 64 bits. swtpm 0.7.1, src/swtpm/swtpm_nvstore_linear.h. */
const linearMagic = 'nilmptws';
const linearFirstOffset = 12;
const blobHeaderBytes = 10;
const flagsOffset = 4;
const encryptedFlag = 1;

/**
 * Whether the permanent state in `bytes` is encrypted: a file of swtpm's directory, or the one file of its other backend.
 * swtpm 0.7.1, src/swtpm/swtpm_nvstore.c: `blobheader`, whose numbers are big-endian.
 *
 * @throws ColdpatchError `vtpm_broken` when there is no header of swtpm.
 */
export function isEncrypted(bytes: Buffer, path: string): boolean {
  const isLinear = bytes.length >= 24 && bytes.toString('latin1', 0, 8) === linearMagic;
  const offset = isLinear ? bytes.readUInt32LE(linearFirstOffset) : 0;
  if (offset + blobHeaderBytes > bytes.length) {
    throw new ColdpatchError(
      'vtpm_broken',
      `Expected the state of a TPM 2.0 of swtpm in ${path}, but found ${bytes.length} bytes without it. ` +
        'swtpm does not sync its file: after a power cut it may be empty. An older generation can be rolled back to.',
    );
  }
  return (bytes.readUInt16BE(offset + flagsOffset) & encryptedFlag) !== 0;
}
