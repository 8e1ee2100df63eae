import { createHash } from 'node:crypto';
import { dearmor } from './dearmor.ts';

/** The keys that may sign one source. */
export interface Keyring {
  /** Binary keyrings, each for one `--keyring`. */
  readonly files: readonly Uint8Array[];
  /** When not empty, only these keys count. */
  readonly fingerprints: readonly string[];
  /** Of all the above: another keyring is another trust. */
  readonly digest: string;
}

/** The keyring of some files of OpenPGP keys, with or without armour; without `files` when they hold nothing. */
export function keyringOf(chosen: readonly Uint8Array[], fingerprints: readonly string[] = []): Keyring {
  const files = grouped(chosen.map(dearmor));
  const hash = createHash('sha256').update(fingerprints.join());
  for (const file of files) hash.update(`\n${file.length}\n`).update(file);
  return { files, fingerprints, digest: hash.digest('hex') };
}

/** OpenPGP keyrings may stand one after the other in one file; GnuPG's keyboxes may not. */
function grouped(files: readonly Uint8Array[]): readonly Uint8Array[] {
  const filled = files.filter((file) => file.length > 0);
  const isKeybox = (file: Uint8Array): boolean =>
    Buffer.from(file.subarray(8, 12)).toString('latin1') === 'KBXf';
  const plain = filled.filter((file) => !isKeybox(file));
  const keyboxes = filled.filter(isKeybox);
  return plain.length === 0 ? keyboxes : [Buffer.concat(plain), ...keyboxes];
}
