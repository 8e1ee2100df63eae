import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { xz } from '@napi-rs/lzma';
import { ColdpatchError } from '../../lib/errors.ts';

export interface KernelModule {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * The named modules and what they depend on, in an order in which they can be loaded; those that the kernel itself holds are left out.
 *
 * @param directory `lib/modules/RELEASE`.
 * @throws ColdpatchError `appliance_failed` when one is not there.
 */
export async function kernelModules(
  directory: string,
  names: readonly string[],
): Promise<readonly KernelModule[]> {
  const builtIn = new Set(
    (await readFile(join(directory, 'modules.builtin'), 'utf8')).split('\n').map((path) => nameOf(path)),
  );
  const paths = new Map<string, string>();
  for (const entry of await readdir(join(directory, 'kernel'), { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && /\.ko(?:\.xz)?$/.test(entry.name))
      paths.set(nameOf(entry.name), join(entry.parentPath, entry.name));
  }
  const ordered = new Map<string, KernelModule>();
  const add = async (name: string): Promise<void> => {
    if (builtIn.has(name) || ordered.has(name)) return;
    const path = paths.get(name);
    if (path === undefined)
      throw new ColdpatchError(
        'appliance_failed',
        `Expected the module ${name} in the kernel package, but it is not there.`,
      );
    const packed = await readFile(path);
    const bytes = path.endsWith('.xz') ? await xz.decompress(packed) : packed;
    for (const needed of dependenciesOf(bytes)) await add(needed);
    ordered.set(name, { name, bytes });
  };
  for (const name of names) await add(name);
  return [...ordered.values()];
}

function nameOf(path: string): string {
  return basename(path)
    .replace(/\.ko(?:\.xz)?$/, '')
    .replaceAll('-', '_');
}

/** The section .modinfo is a list of KEY=VALUE, each ended by a zero byte. */
function dependenciesOf(module: Uint8Array): readonly string[] {
  const bytes = Buffer.from(module.buffer, module.byteOffset, module.byteLength);
  const key = '\0depends=';
  const start = bytes.indexOf(key, 0, 'latin1');
  if (start === -1) return [];
  const from = start + key.length;
  const text = bytes.toString('latin1', from, bytes.indexOf(0, from));
  return text.split(',').flatMap((name) => (name === '' ? [] : [nameOf(name)]));
}
