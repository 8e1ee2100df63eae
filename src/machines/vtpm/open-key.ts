import { open } from 'node:fs/promises';
import type { VtpmKey } from '../definitions/machine.ts';

/** A key that an swtpm of another user is given without its file. */
export interface OpenedKey extends AsyncDisposable {
  readonly descriptor: number;
  /** For an swtpm that gets the key as its first descriptor. */
  readonly args: readonly string[];
}

/** The first descriptor that a program gets. */
const keyDescriptor = 3;

export async function openKey({ file, kind, mode }: VtpmKey): Promise<OpenedKey> {
  const opened = await open(file);
  const how = kind === 'passphrase' ? `pwdfd=${keyDescriptor}` : `fd=${keyDescriptor},format=${kind}`;
  return {
    descriptor: opened.fd,
    args: ['--key', `${how},mode=${mode}`],
    [Symbol.asyncDispose]: () => opened.close(),
  };
}
