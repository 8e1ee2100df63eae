import { arch, cpus, loadavg, release, totalmem } from 'node:os';
import { runProgramOrFail } from '../src/lib/run-program.ts';

/** The machine on which numbers were taken, and how busy it was. */
export async function describeMachine(): Promise<readonly string[]> {
  const { stdout } = await runProgramOrFail({ file: 'qemu-img', args: ['--version'], timeoutSeconds: 20 });
  const [first] = cpus();
  return [
    `${cpus().length} × ${first?.model.trim() ?? 'unknown processor'} (${arch()}), ${(totalmem() / 1024 ** 3).toFixed(0)} GiB of memory`,
    `Linux ${release()}, Node ${process.versions.node}, ${stdout.split('\n')[0] ?? ''}`,
    `load average at the start: ${loadavg()
      .map((load) => load.toFixed(2))
      .join(', ')}`,
  ];
}
