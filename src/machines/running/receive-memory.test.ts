import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Qmp } from '../hypervisors/qemu/qmp.ts';
import { receiveMemory } from './receive-memory.ts';

test('a socket that cannot be made is an error at once: the guest stands still meanwhile', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'memory-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const qmp: Qmp = {
    execute: (command) => Promise.reject(new Error(`Expected nothing to be asked, but found ${command}.`)),
    [Symbol.dispose]: () => undefined,
  };
  await expect(
    receiveMemory(qmp, {
      path: join(folder, 'memory'),
      socketDirectory: join(folder, 'long'.repeat(40)),
      user: process.geteuid?.() ?? 0,
    }),
  ).rejects.toMatchObject({
    code: 'hypervisor_failed',
    message: expect.stringContaining('TMPDIR') as string,
  });
});

test('a file that cannot be written is the error, not that QEMU fails because of it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'memory-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const socketDirectory = join(folder, 'sockets');
  let stream: Socket | undefined;
  const qmp: Qmp = {
    execute: (command, schema) => {
      if (command === 'migrate') {
        stream = connect(join(socketDirectory, 'memory'));
        stream.on('error', () => undefined);
        stream.write('memory');
      }
      return Promise.resolve(schema.parse({ status: stream?.closed === true ? 'failed' : 'active' }));
    },
    [Symbol.dispose]: () => undefined,
  };
  await expect(
    receiveMemory(qmp, {
      path: join(folder, 'none/memory'),
      socketDirectory,
      user: process.geteuid?.() ?? 0,
    }),
  ).rejects.toMatchObject({ code: 'ENOENT' });
});
