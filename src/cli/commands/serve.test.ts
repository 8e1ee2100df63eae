import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startServer } from '../../app/serve.ts';
import { loadConfig } from '../../config/load-config.ts';
import { loadServerConfig } from '../../config/load-server-config.ts';
import { serverSchema } from '../../config/server-schema.ts';
import { serveCommand } from './serve.ts';

test('a server that cannot listen makes no token, and one is made when nobody has a valid one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'serve-'));
  const other = createServer().listen(0, '127.0.0.1');
  try {
    const [file, policies] = [join(folder, 'config.json'), join(folder, 'policies.json')];
    writeFileSync(file, JSON.stringify({ stateDirectory: join(folder, 'state') }));
    writeFileSync(policies, JSON.stringify({ sources: [] }));
    await once(other, 'listening');
    const listen = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    const printed: string[] = [];
    const io = { print: (text: string) => void printed.push(text), printError: () => undefined };
    const options = { policies, listen, behindProxy: false, requestsPerSecond: 1, config: file };
    await expect(serveCommand(io, options)).rejects.toThrow('EADDRINUSE');
    expect(printed).toEqual([]);

    const config = loadConfig({ file, environment: {}, flags: {} });
    const onFault = (error: unknown): void => expect(error).toBeUndefined();
    const server = await startServer(config, loadServerConfig(policies), { onFault });
    const token = await server.makeFirstToken();
    expect(token).toMatch(/^coldpatch\./);
    expect(await server.makeFirstToken()).toBeUndefined();
    const caller = await server.application.authenticate(token ?? '');
    if (!caller) throw new Error('Expected the token to be known.');
    await server.application.revokeToken(caller, caller.tokenId);
    expect(await server.makeFirstToken()).toMatch(/^coldpatch\./);
    await server.stop();
  } finally {
    other.close();
    rmSync(folder, { recursive: true });
  }
});

test('hosts are refused where nobody has a name', async () => {
  const config = loadConfig({ environment: {}, flags: { stateDirectory: '/nonexistent' }, isRoot: false });
  const lab = { id: 'lab', kind: 'folder', directory: '/images' };
  for (const settings of [
    { sources: [{ ...lab, id: 'alpha', hosts: ['one'] }] },
    { sources: [lab], limits: { hosts: { alpha: { upgrades: 2 } } } },
  ])
    await expect(
      startServer(config, serverSchema.parse(settings), { onFault: () => undefined }),
    ).rejects.toMatchObject({
      code: 'configuration_invalid',
      message: expect.stringContaining('alpha') as string,
    });
});

test('a server that would answer nobody is refused', async () => {
  const io = { print: () => undefined, printError: () => undefined };
  const options = { policies: '/nonexistent', listen: '127.0.0.1:0', behindProxy: false };
  await expect(serveCommand(io, { ...options, requestsPerSecond: 0 })).rejects.toMatchObject({
    code: 'usage',
  });
});
