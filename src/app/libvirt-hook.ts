import { lstatSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { writeFileDurably } from '../lib/durable-file.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { hostStateOf } from '../machines/definitions/host-state.ts';
import { hookScript, isHookScript } from '../machines/hypervisors/libvirt/hook-script.ts';
import { filesOfDomain } from '../machines/hypervisors/libvirt/parse-domain.ts';
import { assertMayStart } from '../machines/machine-generations/assert-may-start.ts';

/** libvirt reads it since 6.5, beside a hook `qemu` of somebody else. */
const scriptName = 'coldpatch';

/**
 * `coldpatch machine install-hook`.
 *
 * @param directory of libvirt's hooks.
 * @returns the path of the script.
 * @throws ColdpatchError `state_conflict` when there is a file that is not ours.
 */
export async function installLibvirtHook(config: Config, directory: string): Promise<string> {
  const scripts = join(directory, 'qemu.d');
  const path = join(scripts, scriptName);
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there && !(there.isFile() && isHookScript(readFileSync(path, 'utf8')))) {
    throw new ColdpatchError(
      'state_conflict',
      `Expected ${path} to be a hook of coldpatch or not to be there, but it is something else. Move it away first.`,
    );
  }
  await mkdir(scripts, { recursive: true, mode: 0o755 });
  const script = hookScript({
    node: process.execPath,
    main: join(import.meta.dirname, '../cli/main.ts'),
    stateDirectory: config.stateDirectory,
  });
  await writeFileDurably(path, script, 0o755);
  return path;
}

/**
 * `coldpatch machine may-start`: what libvirt's hook asks.
 *
 * @param xml of the domain that is about to be started.
 * @throws ColdpatchError `machine_rolling_back`, `machine_unsupported` for what is no domain.
 */
export async function assertDomainMayStart(config: Config, xml: string): Promise<void> {
  await assertMayStart(hostStateOf(config.stateDirectory), filesOfDomain(xml));
}
