/** How fast QEMU and its storage daemon reach the files of a copy, with the arguments that engines give them. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBlockNodes } from '../src/appliance/machine/disks.ts';
import { startProgram } from '../src/lib/start-program.ts';
import { attachCopy } from '../src/patch/copy-access/attach-copy.ts';
import { HostNamespace } from '../src/patch/copy-access/host-namespace.ts';

const mebibyte = 1024 ** 2;
const rate = 16 * mebibyte;
const size = 24 * mebibyte;
let folder: string;
let base: string;
let overlay: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'io-limits-'));
  base = join(folder, 'base.raw');
  overlay = join(folder, 'overlay.qcow2');
  writeFileSync(base, Buffer.alloc(size, 1));
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'raw', overlay]);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Seconds that QEMU takes for commands of qemu-io on the disk of a copy. */
async function secondsInQemu(commands: readonly string[], bytesPerSecond?: number): Promise<number> {
  const node = {
    name: 'disk0',
    file: { path: overlay, format: 'qcow2' },
    backing: [{ path: base, format: 'raw' }],
    writable: true,
  } as const;
  const disks = openBlockNodes([node], 4, bytesPerSecond);
  const args = ['-machine', 'none', '-nodefaults', '-display', 'none'];
  const monitor = ['-chardev', 'socket,id=qmp,fd=3', '-mon', 'chardev=qmp,mode=control'];
  const output: string[] = [];
  const qemu = await startProgram({
    file: 'qemu-system-x86_64',
    args: [...args, ...monitor, ...disks.args],
    descriptors: ['socket', ...disks.descriptors],
    ready: { poll: () => Promise.resolve(true) },
    startTimeoutSeconds: 60,
    onLine: (line) => output.push(line),
  }).finally(() => disks.close());
  try {
    const [channel] = qemu.channels;
    if (!channel) throw new Error('no monitor');
    const answers = createInterface({ input: channel })[Symbol.asyncIterator]();
    const ask = async (command: object): Promise<string> => {
      channel.write(`${JSON.stringify(command)}\n`);
      const { value } = (await answers.next()) as { readonly value: string };
      return value;
    };
    await answers.next();
    await ask({ execute: 'qmp_capabilities' });
    const begun = performance.now();
    for (const one of commands) {
      const line = `qemu-io disk0 "${one}"`;
      await ask({ execute: 'human-monitor-command', arguments: { 'command-line': line } });
    }
    const seconds = (performance.now() - begun) / 1000;
    await expect.poll(() => output.filter((line) => / ops; /.test(line))).toHaveLength(commands.length);
    return seconds;
  } finally {
    await qemu.stop('SIGKILL');
  }
}

/** Seconds for reading the disk of a copy through the FUSE export of the storage daemon. */
async function secondsInDaemon(bytesPerSecond?: number): Promise<number> {
  const namespace = await HostNamespace.open();
  try {
    const directory = mkdtempSync(join(folder, 'daemon-'));
    const copy = {
      path: overlay,
      format: 'qcow2',
      backing: [{ path: base, format: 'raw' }],
    } as const;
    const disk = await attachCopy(namespace, copy, directory, 'read-only', bytesPerSecond);
    const file = openSync(namespace.pathFromHost(disk.path), 'r');
    const begun = performance.now();
    const buffer = Buffer.alloc(mebibyte);
    let done = 0;
    for (let count = -1; count !== 0; done += count) count = readSync(file, buffer, 0, mebibyte, done);
    expect(done).toBe(size);
    expect(buffer[0]).toBe(1);
    const seconds = (performance.now() - begun) / 1000;
    closeSync(file);
    await disk.detach();
    return seconds;
  } finally {
    await namespace.close();
  }
}

/** A guest asks for no more at once; a request is let through whole when nothing is owed. */
function pieces(what: 'read' | 'write', from: number, bytes: number): readonly string[] {
  return Array.from(
    { length: bytes / mebibyte },
    (_, index) => `${what} ${from + index * mebibyte} ${mebibyte}`,
  );
}

/** The group lets a tenth of a second through at once. */
const least = size / rate - 0.2;

describe('with a limit', () => {
  test('QEMU reads the backing file of a copy no faster', async () => {
    expect(await secondsInQemu(pieces('read', 0, size), rate)).toBeGreaterThan(least);
  });

  test('what is read and what is written counts together', async () => {
    const half = size / 2;
    expect(
      await secondsInQemu([...pieces('read', 0, half), ...pieces('write', 0, half)], rate),
    ).toBeGreaterThan(least);
  });

  test('the storage daemon is no faster either', async () => {
    expect(await secondsInDaemon(rate)).toBeGreaterThan(least);
  });
});

test('without a limit both are faster than that', async () => {
  expect(await secondsInQemu(pieces('read', 0, size))).toBeLessThan(least);
  expect(await secondsInDaemon()).toBeLessThan(least);
});
