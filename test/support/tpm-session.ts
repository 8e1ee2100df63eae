import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProgram } from '../../src/lib/start-program.ts';

/** Runs one of tpm2-tools against the vTPM of a machine that is "switched on". */
export type Tpm2 = (command: string, ...args: readonly string[]) => string;

/**
 * Switches a machine's vTPM on for the length of `work`, as the machine itself would: with swtpm on the very state.
 *
 * @param stateOption of swtpm's `--tpmstate`.
 * @param files where tpm2-tools keep their contexts.
 */
export async function withTpm<Result>(
  stateOption: string,
  files: string,
  work: (tpm2: Tpm2, port: number) => Result | Promise<Result>,
  keyArguments: readonly string[] = [],
): Promise<Result> {
  const port = freePorts();
  const swtpm = await startProgram({
    file: 'swtpm',
    args: [
      'socket',
      '--tpm2',
      '--tpmstate',
      stateOption,
      '--server',
      `type=tcp,port=${port}`,
      '--ctrl',
      `type=tcp,port=${port + 1}`,
      '--flags',
      'not-need-init,startup-clear',
      ...keyArguments,
    ],
    ready: { poll: () => Promise.resolve(isListening(port)) },
    startTimeoutSeconds: 60,
  });
  try {
    const tpm2: Tpm2 = (command, ...args) =>
      execFileSync(`tpm2_${command}`, args, {
        cwd: files,
        encoding: 'utf8',
        env: { PATH: process.env.PATH, TPM2TOOLS_TCTI: `swtpm:host=127.0.0.1,port=${port}` },
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 120_000,
      });
    return await work(tpm2, port);
  } finally {
    await swtpm.stop();
  }
}

export const counterIndex = '0x1500016';
const pcrs = 'sha256:0,7';

/** Seals a secret to two PCRs and to the present value of a new counter. @returns what a guest writes to its disk. */
export function sealSecret(tpm2: Tpm2, files: string, secret: string): Buffer {
  tpm2('nvdefine', '-C', 'o', '-s', '8', '-a', 'ownerread|ownerwrite|nt=counter', counterIndex);
  tpm2('nvincrement', '-C', 'o', counterIndex);
  tpm2('nvincrement', '-C', 'o', counterIndex);
  writeFileSync(join(files, 'operand'), readCounterBytes(tpm2, files));
  writeFileSync(join(files, 'secret'), secret);
  tpm2('startauthsession', '-S', 'trial.ctx');
  tpm2('policypcr', '-S', 'trial.ctx', '-l', pcrs);
  tpm2('policynv', '-S', 'trial.ctx', '-C', 'o', '-i', 'operand', counterIndex, 'eq', '-L', 'policy');
  tpm2('flushcontext', 'trial.ctx');
  tpm2('createprimary', '-Q', '-C', 'o', '-c', 'primary.ctx');
  tpm2('create', '-Q', '-C', 'primary.ctx', '-u', 'pub', '-r', 'priv', '-i', 'secret', '-L', 'policy');
  tpm2('flushcontext', '-t');
  return pack([readFileSync(join(files, 'pub')), readFileSync(join(files, 'priv'))]);
}

/** What `sealSecret` sealed. Throws when the vTPM is not the one, or not in the state, to which it was sealed. */
export function unsealSecret(tpm2: Tpm2, files: string, disk: Buffer): string {
  const [pub, priv] = unpack(disk);
  writeFileSync(join(files, 'pub'), pub);
  writeFileSync(join(files, 'priv'), priv);
  tpm2('createprimary', '-Q', '-C', 'o', '-c', 'primary.ctx');
  tpm2('load', '-Q', '-C', 'primary.ctx', '-u', 'pub', '-r', 'priv', '-c', 'sealed.ctx');
  tpm2('flushcontext', '-t');
  tpm2('startauthsession', '--policy-session', '-S', 'session.ctx');
  tpm2('policypcr', '-S', 'session.ctx', '-l', pcrs);
  tpm2('policynv', '-S', 'session.ctx', '-C', 'o', '-i', 'operand', counterIndex, 'eq');
  return tpm2('unseal', '-c', 'sealed.ctx', '-p', 'session:session.ctx');
}

function readCounterBytes(tpm2: Tpm2, files: string): Buffer {
  tpm2('nvread', '-C', 'o', '-o', 'counter', counterIndex);
  return readFileSync(join(files, 'counter'));
}

function pack([pub, priv]: readonly [Buffer, Buffer]): Buffer {
  const disk = Buffer.alloc(1024 * 1024);
  disk.writeUInt32BE(pub.length, 0);
  disk.writeUInt32BE(priv.length, 4);
  pub.copy(disk, 8);
  priv.copy(disk, 8 + pub.length);
  return disk;
}

function unpack(disk: Buffer): readonly [Buffer, Buffer] {
  const [first, second] = [disk.readUInt32BE(0), disk.readUInt32BE(4)];
  return [disk.subarray(8, 8 + first), disk.subarray(8 + first, 8 + first + second)];
}

/** Local address in /proc/net/tcp, state 0A: listening. */
function isListening(port: number): boolean {
  return new RegExp(`:${hexOf(port)} [0-9A-F]+:0000 0A`).test(readFileSync('/proc/net/tcp', 'utf8'));
}

/** Two ports that nothing uses, nor used a moment ago: swtpm does not take over a port from a connection that ended. */
function freePorts(): number {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if (!isKnown(port) && !isKnown(port + 1)) return port;
  }
}

function isKnown(port: number): boolean {
  return readFileSync('/proc/net/tcp', 'utf8').includes(`:${hexOf(port)} `);
}

function hexOf(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}
