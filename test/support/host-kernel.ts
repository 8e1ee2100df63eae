import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface HostKernel {
  /** A bzImage, which UEFI starts too. */
  readonly path: string;
  readonly release: string;
}

/** The newest kernel that the host's packages put into /boot. */
export function hostKernel(): HostKernel {
  const name = readdirSync('/boot')
    .filter((file) => file.startsWith('vmlinuz-'))
    .toSorted((one, other) => one.localeCompare(other, 'en', { numeric: true }))
    .at(-1);
  if (name === undefined) throw new Error('Expected a kernel in /boot, but there is none.');
  return { path: join('/boot', name), release: name.slice('vmlinuz-'.length) };
}
