/** The server with real Debian images that are overlays of one base: each is upgraded once, whatever is killed. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestFile } from '../src/lib/digest-file.ts';
import { makeSmallImage } from '../tools/images/make-small-image.ts';
import { coldpatchProgram, runColdpatch } from './support/command-line-fixture.ts';
import { changeGuestImage, copyGuestImage, imageCacheDirectory } from './support/guest-image.ts';
import { makePackageFixture } from './support/package-fixture.ts';
import {
  openWorkshop,
  publish,
  type RepositoryServer,
  serve,
  type Workshop,
} from './support/signed-repository.ts';

const names = ['a', 'b', 'c', 'd'];
let workshop: Workshop;
let repository: RepositoryServer;
let folder: string;
let images: string;
let policies: string;
let environment: Readonly<Record<string, string>>;
let server: ChildProcess | undefined;
let url = '';
let token = '';
let output = '';

function app(version: string) {
  return makePackageFixture({ name: 'app', version, files: { '/usr/share/app/version': `${version}\n` } });
}

beforeAll(async () => {
  workshop = openWorkshop();
  const key = workshop.makeKey('Archive <archive@example.org>');
  repository = await serve();
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'serve-')));
  images = join(folder, 'images');
  const files = join(folder, 'files');
  for (const path of [images, files]) mkdirSync(path);
  const base = join(images, 'base.raw');
  await copyGuestImage(await makeSmallImage(imageCacheDirectory), base);
  writeFileSync(join(files, 'test.gpg'), key.publicKey);
  writeFileSync(
    join(files, 'sources.list'),
    `deb [signed-by=/usr/share/keyrings/test.gpg] ${repository.uri} stable main\n`,
  );
  writeFileSync(join(files, 'app.deb'), app('1.0').bytes);
  await changeGuestImage({
    image: base,
    files,
    script: [
      'cp "$files/test.gpg" "$root/usr/share/keyrings/test.gpg"',
      'cp "$files/sources.list" "$root/etc/apt/sources.list"',
      'cp "$files/app.deb" "$root/root/app.deb"',
      'chroot "$root" dpkg -i /root/app.deb',
      'rm "$root/root/app.deb"',
    ].join('\n'),
  });
  for (const name of names)
    execFileSync('qemu-img', [
      'create',
      '-q',
      '-f',
      'qcow2',
      '-b',
      base,
      '-F',
      'raw',
      join(images, `${name}.qcow2`),
    ]);
  repository.files = await publish(key, { packages: [app('2.0')] });
  policies = join(folder, 'policies.json');
  writeFileSync(
    policies,
    JSON.stringify({
      sources: [
        { id: 'lab', kind: 'folder', directory: images, policy: { upgrade: 'automatic', trustImages: true } },
      ],
    }),
  );
  environment = {
    COLDPATCH_CACHE_DIRECTORY: join(folder, 'cache'),
    COLDPATCH_STATE_DIRECTORY: join(folder, 'state'),
  };
});

afterAll(async () => {
  if (server) await end('SIGTERM');
  await repository.close();
  workshop.end();
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<void> {
  const child = spawn(coldpatchProgram, ['serve', '--policies', policies, '--listen', '127.0.0.1:0'], {
    env: {
      ...process.env,
      PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  server = child;
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      output += more;
    });
  await expect.poll(() => /^listening at (\S+)$/m.exec(text)?.[1] ?? '', { timeout: 60_000 }).not.toBe('');
  url = /^listening at (\S+)$/m.exec(text)?.[1] ?? '';
  token = /^coldpatch\.\S+$/m.exec(text)?.[0] ?? token;
}

async function end(signal: NodeJS.Signals): Promise<void> {
  const closed = server ? once(server, 'exit') : undefined;
  server?.kill(signal);
  server = undefined;
  await closed;
}

interface Run {
  readonly id: string;
  readonly state: string;
  readonly image: string;
  readonly outcome: { readonly outcome?: string } | null;
  readonly error: unknown;
}

interface Image {
  readonly id: string;
  readonly locator: string;
  readonly role: string;
  readonly outdated: number | null;
}

async function get<Body>(path: string): Promise<Body> {
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
  expect(response.status).toBe(200);
  return (await response.json()) as Body;
}

async function list<Item>(path: string): Promise<readonly Item[]> {
  return (await get<{ readonly items: readonly Item[] }>(path)).items;
}

const patience = { timeout: 15 * 60_000, interval: 100 };

/** The engine of an upgrade works: its folder is there from then on until the run ends. */
function inMidUpgrade(): boolean {
  return globSync(join(images, '.coldpatch/*/work/*/engine')).length > 0;
}

test('every image is upgraded exactly once by a server that is killed in mid-upgrade and started again', async () => {
  await start();
  const base = join(images, 'base.raw');
  const before = await digestFile(base, { signal: new AbortController().signal });
  await expect.poll(inMidUpgrade, { ...patience, interval: 20 }).toBe(true);
  await end('SIGKILL');
  expect(inMidUpgrade()).toBe(true);
  await start();
  await expect
    .poll(async () => (await list<Run>('/api/v1/runs?kind=upgrade')).map(({ state }) => state), patience)
    .toEqual(names.map(() => 'done'));

  const leaves = await list<Image>('/api/v1/images?role=leaf');
  expect(leaves.map(({ locator }) => locator).toSorted()).toEqual(
    names.map((name) => join(images, `${name}.qcow2`)),
  );
  for (const { id, locator, outdated } of leaves) {
    expect(outdated).toBe(0);
    expect(await list(`/api/v1/images/${id}/generations`)).toHaveLength(1);
    const { stdout } = await runColdpatch({ args: ['generations', locator, '--json'], environment });
    expect(JSON.parse(stdout)).toHaveLength(1);
    expect(readdirSync(join(images, '.coldpatch', locator.slice(images.length + 1), 'work'))).toEqual([]);
    execFileSync('qemu-img', ['check', '-q', '-f', 'qcow2', locator]);
  }
  expect(await digestFile(base, { signal: new AbortController().signal })).toBe(before);
  expect((await list<Image>('/api/v1/images?package=app&below=2.0')).map(({ role }) => role)).toEqual([
    'base',
  ]);
  expect(await list<Image>('/api/v1/images?package=app&role=leaf')).toHaveLength(names.length);
});

test('another pass finds nothing to do, and what was rolled back is not upgraded by itself', async () => {
  const [image] = await list<Image>('/api/v1/images?role=leaf');
  const post = (path: string, body?: unknown): Promise<Response> =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  expect((await post(`/api/v1/images/${image?.id}/runs`, { kind: 'rollback' })).status).toBe(202);
  const idle = async (): Promise<boolean> =>
    (await list<Run>('/api/v1/runs')).every(({ state }) => ['done', 'failed', 'cancelled'].includes(state));
  await expect.poll(idle, patience).toBe(true);
  expect((await post('/api/v1/sources/lab/collect')).status).toBe(202);
  await expect.poll(idle, patience).toBe(true);
  const failed = (await list<Run>('/api/v1/runs')).filter(({ state }) => state !== 'done');
  expect(failed).toEqual([]);
  expect(await list<Run>('/api/v1/runs?kind=upgrade')).toHaveLength(names.length);
  expect(await get<Image>(`/api/v1/images/${image?.id}`)).toMatchObject({ held: 'rolled_back', outdated: 1 });
});

test('it stops when it is asked to, keeps no secret in its log, and its audit log verifies', async () => {
  await end('SIGTERM');
  expect(output.split('\n').filter((line) => line.includes(token))).toEqual([token]);
  const { exitCode, stdout } = await runColdpatch({ args: ['audit', 'verify'], environment });
  expect({ exitCode, stdout }).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\d+ entries/) });
});
