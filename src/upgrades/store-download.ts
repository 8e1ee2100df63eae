import { createHash, type Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { ColdpatchError } from '../lib/errors.ts';

export interface ExpectedBytes {
  /** For messages. */
  readonly url: string;
  readonly size: number;
  readonly sha256: string;
  /** What it means when something else comes. */
  readonly code: 'repository_corrupt' | 'package_corrupt';
  readonly onBytes?: (count: number) => void;
}

/**
 * Writes `body` to the end of `file` while it is hashed. Never takes more bytes than expected.
 *
 * @param already what the file holds before.
 * @throws ColdpatchError `expected.code` when size or digest differ.
 */
export async function storeDownload(
  body: AsyncIterable<Uint8Array>,
  file: FileHandle,
  expected: ExpectedBytes,
  already: { readonly size: number; readonly hash: Hash } = { size: 0, hash: createHash('sha256') },
): Promise<void> {
  const { hash } = already;
  let { size } = already;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > expected.size) throw differs(expected, `more than ${expected.size} bytes`);
    hash.update(chunk);
    await file.writeFile(chunk);
    expected.onBytes?.(chunk.length);
  }
  if (size !== expected.size) throw differs(expected, `${size} bytes`);
  const digest = hash.digest('hex');
  if (digest !== expected.sha256) throw differs(expected, `bytes with SHA-256 ${digest}`);
}

function differs(expected: ExpectedBytes, found: string): ColdpatchError {
  return new ColdpatchError(
    expected.code,
    `Expected ${expected.size} bytes with SHA-256 ${expected.sha256} from ${expected.url}, as the repository signed them, ` +
      `but found ${found}. The mirror may be in the middle of an update: try again later, or use another mirror. Nothing of it was kept.`,
  );
}
