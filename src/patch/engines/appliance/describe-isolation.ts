import type { KvmState } from '../../../appliance/acceleration.ts';

/** What keeps guest code from the host in a run. @param inside where it runs. */
export function describeIsolation(inside: string, kvm: KvmState): string {
  if (kvm.state === 'usable') return `${inside}, under KVM`;
  return (
    `${inside}, under emulation because KVM is ${kvm.state} (${kvm.detail}): ` +
    'QEMU promises no isolation then, so it is a guard against accidents and common attacks'
  );
}
