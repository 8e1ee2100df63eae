import { compare } from './compare.ts';
import { runColdpatchTimed, runTimed } from './run-timed.ts';
import type { Bench } from './types.ts';

/** Inspection against virt-inspector, which starts a small machine for it; its appliance is built before. */
export const inspectBench: Bench = {
  name: 'inspect',
  async run(context) {
    const peer = async (): Promise<number> => (await runVirtInspector(context.image)).seconds;
    const ours = async (): Promise<number> =>
      (await runColdpatchTimed(['inspect', context.image, '--json'])).seconds;
    await peer();
    await ours();
    return compare(context, { ours, peer, peerName: 'virt-inspector', target: 1 / 50 });
  },
};

function runVirtInspector(image: string) {
  return runTimed({
    file: 'virt-inspector',
    args: ['--format=qcow2', '-a', image],
    environment: { LIBGUESTFS_BACKEND: 'direct', LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg', HOME: '/root' },
    timeoutSeconds: 900,
    maxOutputBytes: 64 * 1024 * 1024,
  });
}
