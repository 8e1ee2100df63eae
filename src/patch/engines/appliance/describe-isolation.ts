import type { KvmState } from '../../../appliance/acceleration.ts';

/**
 * What keeps guest code from the host in a run.
 *
 * @param inside where it runs.
 * @param hasNamespaces whether QEMU has namespaces of its own.
 */
export function describeIsolation(inside: string, kvm: KvmState, hasNamespaces: boolean): string {
  const where = hasNamespaces
    ? inside
    : `${inside}, whose QEMU has no namespaces because this host lets no ordinary user make them`;
  if (kvm.state === 'usable') return `${where}, under KVM`;
  return (
    `${where}, under emulation because KVM is ${kvm.state} (${kvm.detail}): ` +
    'QEMU promises no isolation then, so it is a guard against accidents and common attacks'
  );
}
