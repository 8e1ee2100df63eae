import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { readRunningMachine } from './read-running-machine.ts';

test('a monitor that names a file which its process does not have open is not believed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'read-running-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'of-the-host');
  writeFileSync(file, 'secret');
  const inserted = {
    file,
    ro: false,
    drv: 'raw',
    backing_file_depth: 0,
    image: { 'virtual-size': 512 },
  };
  const answers: Readonly<Record<string, unknown>> = {
    'query-block': [{ device: 'disk', inserted }],
    'qom-get': '',
    'query-tpm': [],
  };
  const server = createServer((socket) => {
    socket.write('{"QMP":{"version":{},"capabilities":[]}}\n');
    createInterface({ input: socket }).on('line', (line) => {
      const { execute, id } = JSON.parse(line) as { readonly execute: string; readonly id: number };
      socket.write(`${JSON.stringify({ return: answers[execute] ?? {}, id })}\n`);
    });
  });
  onTestFinished(() => void server.close());
  const monitor = join(folder, 'monitor');
  server.listen(monitor);
  await once(server, 'listening');
  await expect(readRunningMachine(monitor, undefined)).rejects.toMatchObject({
    code: 'machine_differs',
    message: expect.stringContaining(file) as string,
  });
});
