import { sourcesInvalid } from './sources-invalid.ts';
import type { SignedBy } from './types.ts';

/**
 * Reads the value of Signed-By: an armoured key block, or paths and fingerprints with blanks or commas between them.
 *
 * @throws ColdpatchError `sources_invalid`
 */
export function parseSignedBy(value: string, where: string): SignedBy {
  const block = value.indexOf('-----BEGIN PGP PUBLIC KEY BLOCK-----');
  if (block !== -1) {
    const lines = value.slice(block).split('\n');
    // A line with a single dot stands for an empty line in deb822.
    const keyBlock = lines.map((line) => (line.trim() === '.' ? '' : line.trim())).join('\n');
    return { paths: [], fingerprints: [], keyBlock };
  }
  const words = value.split(/[\s,]+/).filter((word) => word !== '');
  const paths = words.filter((word) => word.startsWith('/'));
  const fingerprints = words.filter((word) => !word.startsWith('/')).map((word) => word.toUpperCase());
  for (const word of fingerprints) {
    if (!/^(?:[0-9A-F]{40}|[0-9A-F]{64})!?$/.test(word)) {
      throw sourcesInvalid(where, 'absolute paths, full fingerprints or a key block in Signed-By', word);
    }
  }
  if (words.length === 0) throw sourcesInvalid(where, 'a value of Signed-By', 'nothing');
  return { paths, fingerprints };
}
