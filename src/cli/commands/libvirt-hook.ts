import { assertDomainMayStart, installLibvirtHook } from '../../app/libvirt-hook.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { cleanText } from '../clean-text.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { printJson } from '../print-json.ts';
import type { MachineOptions } from './machine.ts';

interface Io {
  print(text: string): void;
}

export interface InstallHookOptions extends MachineOptions {
  readonly directory: string;
}

const largestXml = 4 * 1024 * 1024;

/** `coldpatch machine install-hook`. */
export async function installHookCommand({ print }: Io, options: InstallHookOptions): Promise<void> {
  const path = await installLibvirtHook(loadCommandConfig(options), options.directory);
  print(
    options.json
      ? printJson({ path })
      : `${cleanText(path)} keeps domains from starting in the middle of a rollback. Restart libvirt once, so that it finds it.\n`,
  );
}

/** `coldpatch machine may-start`, with the XML of a domain on standard input. */
export async function mayStartCommand(options: { readonly config?: string }): Promise<void> {
  await assertDomainMayStart(loadCommandConfig(options), await readInput());
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > largestXml) {
      throw new ColdpatchError('usage', `Expected the XML of a domain with at most ${largestXml} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
