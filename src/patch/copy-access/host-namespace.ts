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
 *
 * There are two mount namespaces: what is mounted in the outer one is seen in the inner one, and not the other way.
 * What the host unmounts is unmounted in both, where its mounts are shared, as under systemd: nothing of it is held up.
 * A program that serves a file by FUSE runs in the outer one. When all are killed at once and it is the last to go, the
 * kernel makes it take away the mounts of its namespace: with a filesystem among them that lies on its own file, it
 * would wait for itself for ever, and every `sync` and `losetup` of the host with it.
 */
export class HostNamespace {
  readonly #first: StartedProgram;
  /** The first process of the pid namespace, as the host numbers it; it is in the inner mount namespace. */
  readonly #init: number;

  private constructor(first: StartedProgram, init: number) {
    this.#first = first;
    this.#init = init;
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
        '--propagation=slave',
        'sh',
        '-c',
        // systemd-nspawn keeps its books in /run/systemd: give it a place that is ours.
        'mount --make-rshared / && exec unshare --mount --propagation=slave sh -c "' +
          'mkdir -p /run/systemd && mount -t tmpfs -o mode=755 tmpfs /run/systemd && ' +
          'echo ready && exec sleep infinity"',
      ],
      ready: { line: (line) => line === 'ready' },
      startTimeoutSeconds: 10,
    });
    const children = await readFile(`/proc/${first.pid}/task/${first.pid}/children`, 'utf8');
    return new HostNamespace(first, Number(children.trim()));
  }

  /** Where the host sees a path of the namespace: its mounts included. */
  pathFromHost(path: string): string {
    return `/proc/${this.#init}/root${path}`;
  }

  /** Runs a program of the host inside; a non-zero exit is a result. */
  run(options: ProgramOptions): Promise<ProgramResult> {
    return runProgram(this.#inside(options, this.#init));
  }

  runOrFail(options: ProgramOptions): Promise<ProgramResult> {
    return runProgramOrFail(this.#inside(options, this.#init));
  }

  /** Starts a program whose mounts are seen inside, and that sees none of those that are made inside. */
  startServer(options: StartOptions): Promise<StartedProgram> {
    return startProgram(this.#inside(options, this.#first.pid));
  }

  /** Ends every process inside, and waits until all are gone: their mounts go with the last of them. */
  async close(): Promise<void> {
    const children = await readFile(`/proc/${this.#first.pid}/task/${this.#first.pid}/children`, 'utf8');
    if (children.trim() !== '') process.kill(this.#init, 'SIGKILL');
    await this.#first.exited;
  }

  #inside<Options extends { readonly file: string; readonly args: readonly string[] }>(
    options: Options,
    mountsOf: number,
  ): Options {
    const namespaces = `/proc/${this.#first.pid}/ns`;
    return {
      ...options,
      file: 'nsenter',
      args: [
        `--mount=/proc/${mountsOf}/ns/mnt`,
        `--pid=${namespaces}/pid_for_children`,
        `--ipc=${namespaces}/ipc`,
        '--',
        options.file,
        ...options.args,
      ],
    };
  }
}
