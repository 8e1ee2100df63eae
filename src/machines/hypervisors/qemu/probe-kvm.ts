import { closeSync, openSync } from 'node:fs';
import { hasErrorCode } from '../../../lib/has-error-code.ts';
import { type GuestProbeOptions, probeGuest } from './probe-guest.ts';

/**
 * What KVM on this host is worth. A `/dev/kvm` that opens is no proof: in a virtual machine without nested
 * virtualisation it can be there, and the first guest hangs or fails.
 */
export type KvmState =
  | { readonly state: 'usable' }
  | { readonly state: 'opens but a guest does not run'; readonly detail: string }
  | { readonly state: 'absent'; readonly detail: string };

export interface KvmProbeOptions extends Omit<GuestProbeOptions, 'accelerator'> {
  /** Default `/dev/kvm`. */
  readonly device?: string;
}

/** @throws ColdpatchError `host_tool_missing` when there is no qemu-system-x86_64. */
export async function probeKvm(options: KvmProbeOptions): Promise<KvmState> {
  const { device = '/dev/kvm' } = options;
  try {
    closeSync(openSync(device, 'r+'));
  } catch (error) {
    return {
      state: 'absent',
      detail: hasErrorCode(error, 'ENOENT') ? `there is no ${device}` : (error as Error).message,
    };
  }
  const guest = await probeGuest({ ...options, accelerator: 'kvm' });
  return guest.runs ? { state: 'usable' } : { state: 'opens but a guest does not run', detail: guest.detail };
}
