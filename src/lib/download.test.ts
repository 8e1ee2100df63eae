import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { openDownload } from './download.ts';

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address() as AddressInfo;
  return `http://127.0.0.1:${address.port}/`;
}

async function readAll(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function found(url: string, idleSeconds?: number): Promise<string> {
  const answer = await openDownload({ url, ...(idleSeconds === undefined ? {} : { idleSeconds }) });
  return answer.answer === 'found' ? readAll(answer.body) : answer.answer;
}

describe('a download', () => {
  test('brings the bytes as they are, without asking for an encoding', async () => {
    const url = await serve((request, response) => response.end(`got ${request.headers['accept-encoding']}`));
    expect(await found(url)).toBe('got identity');
  });

  test.each([
    [404, 'not-found'],
    [410, 'not-found'],
    [304, 'not-modified'],
  ])('with status %i is %s', async (status, answer) => {
    const url = await serve((_, response) => response.writeHead(status).end());
    expect(await found(url)).toBe(answer);
  });

  test('that ends early is unreachable, not short', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('some');
      setTimeout(() => response.destroy(), 20);
    });
    await expect(found(url)).rejects.toMatchObject({ code: 'repository_unreachable' });
  });

  test.each(['before', 'after'])('that falls silent %s its answer began ends by itself', async (when) => {
    const url = await serve((_, response) => {
      if (when === 'after') response.write('some');
    });
    await expect(found(url, 0.1)).rejects.toMatchObject({
      code: 'repository_unreachable',
      message: expect.stringMatching(/nothing came for 0\.1 s/),
    });
  });

  test('that another server error answers says which', async () => {
    const url = await serve((_, response) => response.writeHead(503).end());
    await expect(found(url)).rejects.toMatchObject({ message: expect.stringMatching(/503/) });
  });

  test('of a file of this host needs the word of the operator', async () => {
    const url = `file:${import.meta.filename}`;
    await expect(openDownload({ url })).rejects.toMatchObject({ code: 'repository_unreachable' });
    const answer = await openDownload({ url, allowHostFiles: true });
    expect(answer.answer === 'found' && (await readAll(answer.body))).toContain(
      'needs the word of the operator',
    );
    expect(await openDownload({ url: 'copy:/nowhere/at/all', allowHostFiles: true })).toEqual({
      answer: 'not-found',
    });
  });
});
