import { compare } from './compare.ts';
import { runColdpatchTimed, runTimed } from './run-timed.ts';
import type { Bench } from './types.ts';

/** Inspection against programs that start a small machine for it; their appliance is built before. */
export const inspectBench: Bench = {
  name: 'inspect',
  async run(context) {
    const ours = async (): Promise<number> =>
      (await runColdpatchTimed(['inspect', context.image, '--json'])).seconds;
    await ours();
    let reached = true;
    for (const [peerName, ...args] of [
      ['virt-inspector', '--format=qcow2', '-a', context.image],
      // Finds the system and mounts it, and prints one file: less than an inspection.
      ['guestfish', '--ro', '--format=qcow2', '-a', context.image, '-i', 'cat', '/etc/os-release'],
    ] as const) {
      const peer = async (): Promise<number> => (await runPeer(peerName, args)).seconds;
      await peer();
      if (!(await compare(context, { ours, peer, peerName, target: 1 / 50 }))) reached = false;
    }
    return reached;
  },
};

function runPeer(file: string, args: readonly string[]) {
  return runTimed({
    file,
    args,
    environment: { LIBGUESTFS_BACKEND: 'direct', LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg', HOME: '/root' },
    timeoutSeconds: 900,
    maxOutputBytes: 64 * 1024 * 1024,
  });
}
