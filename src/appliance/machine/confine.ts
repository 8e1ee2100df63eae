import { randomInt } from 'node:crypto';
import { statSync } from 'node:fs';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { runProgram } from '../../lib/run-program.ts';
import type { StartOptions } from '../../lib/start-program.ts';
import type { Accelerator } from '../types.ts';

/** Users that systemd gives to services for as long as they run; no account of Debian has one of these numbers. */
const firstUser = 61_184;
const lastUser = 65_519;
/**
 * Not those of processes: whoever starts QEMU would not know its number, nor it whether we live. Nor of mounts: QEMU may
 * mount nothing, and would keep busy what the host unmounts.
 */
const namespaces = ['--net', '--ipc', '--uts'];
const asUser = ['unshare', '--user', '--map-current-user', ...namespaces, '--'];

/**
 * How QEMU is kept from the host: without root, in namespaces without a network.
 * When we are root it runs as a user of its own, who owns nothing; else as we do, in namespaces where the host lets us make them.
 */
export async function confine(accelerator: Accelerator): Promise<Pick<StartOptions, 'before' | 'user'>> {
  if (process.geteuid?.() === 0) {
    return {
      before: ['unshare', ...namespaces, '--'],
      user: {
        id: randomInt(firstUser, lastUser + 1),
        groups: accelerator === 'kvm' ? groupOf('/dev/kvm') : [],
      },
    };
  }
  return (await hasNamespaces()) ? { before: asUser } : {};
}

/** Whether QEMU gets namespaces of its own. Without root that is so only where the host lets ordinary users make them. */
export async function hasNamespaces(): Promise<boolean> {
  if (process.geteuid?.() === 0) return true;
  const [file = '', ...args] = asUser;
  const { exitCode } = await runProgram({ file, args: [...args, 'true'], timeoutSeconds: 30 });
  return exitCode === 0;
}

function groupOf(path: string): readonly number[] {
  try {
    return [statSync(path).gid];
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  }
}
