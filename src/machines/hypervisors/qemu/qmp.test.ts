import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectLines } from './line-connection.ts';
import { connectQmp, nothing } from './qmp.ts';

const greeting = '{"QMP":{"version":{},"capabilities":[]}}\n';

let folder: string;
let servers: Server[];
let sockets: Socket[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qmp-'));
  servers = [];
  sockets = [];
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

/** Somebody who listens where QEMU should, and does what `behave` says. */
function listen(behave: (socket: Socket) => void): Promise<string> {
  const path = join(folder, 'socket');
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    behave(socket);
  });
  servers.push(server);
  return new Promise((resolve) => {
    server.listen(path, () => resolve(path));
  });
}

/** Answers every command with what `answer` makes of its id. */
const answering =
  (answer: (id: number) => string) =>
  (socket: Socket): void => {
    socket.write(greeting);
    let count = 0;
    socket.on('data', () => {
      count += 1;
      socket.write(count === 1 ? '{"return":{},"id":1}\n' : answer(count));
    });
  };

test('nobody listens: no such name, or one that was left', async () => {
  expect(await connectQmp(join(folder, 'none'))).toBeUndefined();
  const path = await listen(() => undefined);
  // A server that closes takes the name along; a killed one leaves it.
  const left = join(folder, 'left');
  writeFileSync(left, '');
  await expect(connectQmp(left)).resolves.toBeUndefined();
  expect(path).not.toBe(left);
});

test.each([
  ['no JSON', 'SSH-2.0-OpenSSH_9.2\n', /no JSON/],
  ['another protocol', '{"hello":"world"}\n', /no greeting/],
  ['a line without end', 'x'.repeat(9 * 1024 * 1024), /more than 8388608 bytes/],
])('%s is refused', async (_, text, words) => {
  const path = await listen((socket) => socket.write(text));
  await expect(connectQmp(path)).rejects.toMatchObject({
    code: 'machine_unreachable',
    message: expect.stringMatching(words) as string,
  });
});

test('whoever ends at once, or says nothing, is given up', async () => {
  const path = await listen((socket) => socket.end());
  await expect(connectQmp(path)).rejects.toMatchObject({ code: 'machine_unreachable' });
  servers.pop()?.close();
  rmSync(path, { force: true });
  using silent = await connectLines(await listen(() => undefined));
  await expect(silent?.next(0.05)).rejects.toMatchObject({ code: 'machine_unreachable' });
});

test('an answer is found among events and the answers of others', async () => {
  const path = await listen(
    answering((id) => `{"event":"STOP"}\n{"return":"other","id":99}\n{"return":"own","id":${id}}\n`),
  );
  using qmp = await connectQmp(path);
  expect(await qmp?.execute('query-name', nothing)).toBe('own');
});

test('a refusal is told in the words of QEMU', async () => {
  const path = await listen(answering((id) => `{"error":{"class":"GenericError","desc":"no"},"id":${id}}\n`));
  using qmp = await connectQmp(path);
  await expect(qmp?.execute('stop', nothing)).rejects.toMatchObject({
    code: 'hypervisor_failed',
    message: expect.stringContaining('refused: no') as string,
  });
});

test('a flood of events does not move the deadline', async () => {
  const path = await listen((socket) => {
    const flood = (): void => {
      while (!socket.destroyed && socket.write('{"event":"FLOOD"}\n'.repeat(1000)));
    };
    answering(() => '')(socket);
    socket.on('drain', flood).once('data', () => setTimeout(flood, 20));
  });
  using qmp = await connectQmp(path);
  await expect(qmp?.execute('stop', nothing, { timeoutSeconds: 0.2 })).rejects.toMatchObject({
    code: 'machine_unreachable',
  });
});
