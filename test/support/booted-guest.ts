/** A machine that starts from its own boot loader under QEMU, and is driven over its serial console. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { hasErrorCode } from '../../src/lib/has-error-code.ts';
import { runProgramOrFail } from '../../src/lib/run-program.ts';
import { type StartedProgram, startProgram } from '../../src/lib/start-program.ts';

export interface BootOptions {
  /** Stays as it is: the machine writes to a throw-away overlay. */
  readonly image: string;
  readonly format: 'qcow2' | 'raw';
  readonly rootPassword: string;
  /** Until its login prompt. Default 240. */
  readonly startTimeoutSeconds?: number;
}

export interface GuestAnswer {
  readonly exitCode: number;
  /** Standard output and standard error, with plain line ends. */
  readonly output: string;
}

export interface BootedGuest {
  /** Runs a shell command as root. Default deadline 60 s. */
  run(command: string, timeoutSeconds?: number): Promise<GuestAnswer>;
  /** Like `run`, for commands that must succeed; their output. */
  runOrFail(command: string, timeoutSeconds?: number): Promise<string>;
  /** Shuts the machine down, and waits until it is off. */
  powerOff(): Promise<void>;
}

/** Starts a machine, logs in as root, and lets `work` use it; the machine and its overlay are gone afterwards. */
export async function withBootedGuest<Result>(
  options: BootOptions,
  work: (guest: BootedGuest) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'booted-'));
  let machine: StartedProgram | undefined;
  let serial: SerialConsole | undefined;
  try {
    const overlay = join(directory, 'overlay.qcow2');
    await runProgramOrFail({
      file: 'qemu-img',
      args: ['create', '-q', '-f', 'qcow2', '-b', options.image, '-F', options.format, overlay],
      timeoutSeconds: 20,
    });
    const path = join(directory, 'serial');
    machine = await startMachine(overlay, path);
    serial = new SerialConsole(connect(path));
    await logIn(serial, options);
    return await work(guestOf(serial, machine));
  } finally {
    await machine?.stop('SIGKILL');
    serial?.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** It waits with its start until somebody listens to its console. */
function startMachine(disk: string, serial: string): Promise<StartedProgram> {
  return startProgram({
    file: 'qemu-system-x86_64',
    args: [
      ['-accel', 'tcg', '-cpu', 'max', '-smp', '2', '-m', '1024', '-nic', 'none', '-no-reboot'],
      ['-display', 'none', '-monitor', 'none', '-serial', `unix:${serial},server=on,wait=on`],
      ['-drive', `file=${disk},format=qcow2,if=virtio,cache=unsafe`],
    ].flat(),
    ready: { poll: () => exists(serial) },
    startTimeoutSeconds: 20,
  });
}

async function logIn(
  serial: SerialConsole,
  { rootPassword, startTimeoutSeconds = 240 }: BootOptions,
): Promise<void> {
  await serial.waitFor(/login: $/, startTimeoutSeconds);
  serial.write('root\n');
  await serial.waitFor(/Password: $/, 60);
  serial.write(`${rootPassword}\n`);
  await serial.waitFor(/[#$] $/, 90);
  // A plain shell: no line editor that redraws what we write, no echo of it, no kernel messages in between.
  serial.write("dmesg -n 1; stty -echo; PS1='' exec sh\n");
  await delay(1500);
  serial.write("PS1=''; PS2=''; echo 'ready''-now'\n");
  await serial.waitFor(/ready-now\r?\n/, 30);
}

function guestOf(serial: SerialConsole, machine: StartedProgram): BootedGuest {
  let count = 0;
  const run = async (command: string, timeoutSeconds = 60): Promise<GuestAnswer> => {
    count += 1;
    const [begin, end] = [`begin-${count}-mark`, `end-${count}-mark`];
    serial.write(`echo ${begin}; { ${command}\n} 2>&1 </dev/null; echo "${end} $?"\n`);
    const text = await serial.waitFor(new RegExp(`${end} \\d+\\r?\\n`), timeoutSeconds);
    const match = new RegExp(`${begin}\\r?\\n([\\s\\S]*?)${end} (\\d+)`).exec(text);
    if (!match) throw new Error(`Expected an answer to "${command}", but found: ${text}`);
    return { output: (match[1] ?? '').replaceAll('\r', ''), exitCode: Number(match[2]) };
  };
  return {
    run,
    async runOrFail(command, timeoutSeconds) {
      const { exitCode, output } = await run(command, timeoutSeconds);
      if (exitCode === 0) return output;
      throw new Error(
        `Expected "${command}" to succeed in the guest, but it ended with ${exitCode}: ${output}`,
      );
    },
    async powerOff() {
      serial.write('systemctl poweroff\n');
      const end = await Promise.race([machine.exited, delay(120_000, undefined, { ref: false })]);
      if (end === undefined)
        throw new Error(`Expected the guest to power off within 120 s, but found: ${serial.tail()}`);
    },
  };
}

const tailLength = 2000;

/** What a machine writes to its console since the last answer. */
class SerialConsole {
  readonly #socket: Socket;
  #text = '';

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      this.#text += text;
    });
    // The machine ended: whoever waits for its words sees the deadline.
    socket.on('error', () => undefined);
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  /** All that came up to `pattern`, and takes it away. */
  async waitFor(pattern: RegExp, timeoutSeconds: number): Promise<string> {
    const deadline = performance.now() + timeoutSeconds * 1000;
    for (;;) {
      const match = pattern.exec(this.#text);
      if (match) {
        const end = match.index + match[0].length;
        const found = this.#text.slice(0, end);
        this.#text = this.#text.slice(end);
        return found;
      }
      if (performance.now() > deadline || this.#socket.closed) {
        throw new Error(
          `Expected ${pattern} on the console within ${timeoutSeconds} s, but found: ${this.tail()}`,
        );
      }
      await delay(50);
    }
  }

  tail(): string {
    return this.#text.slice(-tailLength);
  }

  close(): void {
    this.#socket.destroy();
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return false;
    throw error;
  }
}
