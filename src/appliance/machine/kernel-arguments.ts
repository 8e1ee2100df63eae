import type { Accelerator } from '../types.ts';

/** The machine is thrown away: it needs no guard against its own processes. */
const always = [
  'console=ttyS0 quiet panic=-1 mitigations=off init_on_alloc=0',
  // Where each process has the same addresses, an emulator need not translate programs again: package scripts, which
  // start thousands, then take less than half of its time (measured with QEMU 7.2).
  'norandmaps',
  // The kernel is the distribution's, which tested it.
  'cryptomgr.notests',
] as const;

/**
 * What the kernel does at its start and nothing here uses: certificates for modules, a key derivation with its own test,
 * and the types of the kernel for BPF. A kernel without a function of such a name passes over it.
 */
const unused = [
  'load_system_certificate_list',
  'crypto_kdf108_init',
  'btf_module_init',
  'bpf_prog_test_run_init',
  'kfunc_init',
  'bpf_tcp_ca_kfunc_init',
  'bpf_key_sig_kfuncs_init',
  'init_subsystem',
  'cubictcp_register',
] as const;

const emulated = [
  // All processors have the host's counter, so that nothing has to be compared or calibrated. Delays are counted by it too.
  'tsc=reliable lpj=10000000',
  // QEMU repeats a "string" instruction as often as it has elements; plain loops are translated whole.
  'clearcpuid=rep_good',
  // The agent starts the second one: what is patched or translated at the start is one processor's work.
  'maxcpus=1',
] as const;

/** The command line of the appliance's kernel (Linux: Documentation/admin-guide/kernel-parameters.txt). */
export function kernelArguments(accelerator: Accelerator): string {
  return [
    ...always,
    `initcall_blacklist=${unused.join(',')}`,
    ...(accelerator === 'tcg' ? emulated : []),
  ].join(' ');
}
