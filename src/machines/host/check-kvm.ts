import type { KvmState } from '../../appliance/acceleration.ts';
import type { HostCheck } from './types.ts';

/** KVM is a note only: the engine `namespace` runs on the host's kernel, and `appliance` under emulation. */
export function describeKvm(kvm: KvmState): HostCheck {
  const check = { check: 'KVM', required: false };
  if (kvm.state === 'usable') return { ...check, ok: true, detail: 'usable: a guest runs' };
  return {
    ...check,
    ok: false,
    detail: `${kvm.state}: ${kvm.detail}; the engine appliance is slow without it, and QEMU then promises no isolation`,
    remedy:
      kvm.state === 'absent'
        ? 'switch on virtualisation in the firmware, or nested virtualisation for this machine, and load kvm_intel or kvm_amd'
        : 'switch on nested virtualisation for this machine',
  };
}

/** There is nothing to start. */
export const kvmUntried: HostCheck = {
  check: 'KVM',
  required: false,
  ok: false,
  detail: 'not tried: there is no appliance to start',
  remedy: 'run coldpatch appliance build, as the user that coldpatch runs as',
};

const oldestForNewKernels = 8;

/**
 * QEMU 7.2 without KVM breaks guests with Linux 6.12 at random: some starts panic, some hang.
 *
 * @param version what `qemu-system-x86_64 --version` printed.
 */
export function checkEmulation(version: string, isKvmUsable: boolean): HostCheck {
  const check = { check: 'QEMU version', required: false };
  const found = /version (\d+)\.(\d+)(?:\.\d+)?/.exec(version);
  if (!found) return { ...check, ok: false, detail: 'qemu-system-x86_64 does not say its version' };
  const detail = found[0].slice('version '.length);
  if (isKvmUsable || Number(found[1]) >= oldestForNewKernels) return { ...check, ok: true, detail };
  return {
    ...check,
    ok: false,
    detail: `${detail} without KVM: machines with newer kernels (6.12) start only sometimes, so a failed start proves nothing`,
    remedy:
      'install a newer QEMU (10 works; on Debian 12 it is in bookworm-backports) before you start such machines here',
  };
}
