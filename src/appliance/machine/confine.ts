import { randomInt } from 'node:crypto';
import { statSync } from 'node:fs';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { runProgram } from '../../lib/run-program.ts';
import type { StartOptions } from '../../lib/start-program.ts';
import type { Accelerator } from '../types.ts';

/** Users that systemd gives to services for as long as they run; no account of Debian has one of these numbers. */
const firstUser = 61_184;
const lastUser = 65_519;
const namespaces = ['--net', '--ipc', '--uts'];

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
  const before = ['unshare', '--user', '--map-current-user', ...namespaces, '--'];
  const [file = '', ...args] = before;
  const { exitCode } = await runProgram({ file, args: [...args, 'true'], timeoutSeconds: 30 });
  return exitCode === 0 ? { before } : {};
}

function groupOf(path: string): readonly number[] {
  try {
    return [statSync(path).gid];
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  }
}
