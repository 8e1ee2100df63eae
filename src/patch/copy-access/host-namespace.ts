import { readFile } from 'node:fs/promises';
import {
  type ProgramOptions,
  type ProgramResult,
  runProgram,
  runProgramOrFail,
} from '../../lib/run-program.ts';
import { type StartedProgram, type StartOptions, startProgram } from '../../lib/start-program.ts';

/**
 * A private mount and pid namespace of the host, for mounts that vanish with us.
 *
 * Its first process dies with coldpatch (even on SIGKILL), the kernel then ends every process in it and takes the
 * mounts and their loop devices away. So nothing has to be cleaned up after a crash.
 */
export class HostNamespace {
  readonly #first: StartedProgram;

  private constructor(first: StartedProgram) {
    this.#first = first;
  }

  static async open(): Promise<HostNamespace> {
    const first = await startProgram({
      file: 'unshare',
      args: [
        '--mount',
        '--pid',
        '--ipc',
        '--fork',
        '--kill-child=KILL',
        '--mount-proc',
        '--propagation=private',
        'sh',
        '-c',
        // systemd-nspawn keeps its books here: give it a place that is ours.
        'mkdir -p /run/systemd && mount -t tmpfs -o mode=755 tmpfs /run/systemd && echo ready && exec sleep infinity',
      ],
      ready: { line: (line) => line === 'ready' },
      startTimeoutSeconds: 10,
    });
    return new HostNamespace(first);
  }

  /** Where the host sees a path of the namespace: its mounts included. */
  pathFromHost(path: string): string {
    return `/proc/${this.#first.pid}/root${path}`;
  }

  /** Runs a program of the host inside; a non-zero exit is a result. */
  run(options: ProgramOptions): Promise<ProgramResult> {
    return runProgram(this.#inside(options));
  }

  runOrFail(options: ProgramOptions): Promise<ProgramResult> {
    return runProgramOrFail(this.#inside(options));
  }

  start(options: StartOptions): Promise<StartedProgram> {
    return startProgram(this.#inside(options));
  }

  /** Ends every process inside, and waits until all are gone: their mounts go with the last of them. */
  async close(): Promise<void> {
    const init = (await readFile(`/proc/${this.#first.pid}/task/${this.#first.pid}/children`, 'utf8')).trim();
    if (init !== '') process.kill(Number(init), 'SIGKILL');
    await this.#first.exited;
  }

  #inside<Options extends { readonly file: string; readonly args: readonly string[] }>(
    options: Options,
  ): Options {
    const namespaces = `/proc/${this.#first.pid}/ns`;
    return {
      ...options,
      file: 'nsenter',
      args: [
        `--mount=${namespaces}/mnt`,
        `--pid=${namespaces}/pid_for_children`,
        `--ipc=${namespaces}/ipc`,
        '--',
        options.file,
        ...options.args,
      ],
    };
  }
}
