/** `coldpatch --server` against a real server, and the backup of its database while it works. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningApi, startApi } from '../src/api/start-api.ts';
import { type RunningServer, startServer } from '../src/app/serve.ts';
import { serverSchema } from '../src/config/server-schema.ts';
import { addRun, addRunEvent, moveRun } from '../src/store/runs.ts';
import { replaceFindings } from '../src/store/findings.ts';
import { listImages, updateImageRow } from '../src/store/images.ts';
import { openStore } from '../src/store/open-store.ts';
import { type CommandResult, runColdpatch } from './support/command-line-fixture.ts';

const packaging = join(import.meta.dirname, '../packaging/systemd');
let folder: string;
let state: string;
let images: string;
let server: RunningServer;
let api: RunningApi;
let tokenFile: string;
let environment: Readonly<Record<string, string>>;
const faults: Error[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'remote-'));
  state = join(folder, 'state');
  images = join(folder, 'images');
  mkdirSync(images);
  for (const name of ['a.qcow2', 'b.qcow2'])
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', join(images, name), '1M']);
  tokenFile = join(folder, 'token');
  environment = { COLDPATCH_STATE_DIRECTORY: state, COLDPATCH_TOKEN: '' };
  await start();
  writeFileSync(tokenFile, `${await server.makeFirstToken()}\n`);
});

afterAll(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
  if (faults[0]) throw faults[0];
});

async function start(): Promise<void> {
  const config = {
    cacheDirectory: folder,
    stateDirectory: state,
    generations: { defaults: {}, machines: {} },
    imageDirectories: [],
    upgradeSeconds: 60,
    kvmProbeSeconds: 1,
  };
  const settings = serverSchema.parse({ sources: [{ id: 'lab', kind: 'folder', directory: images }] });
  server = await startServer(config, settings, { onFault: (error) => faults.push(error as Error) });
  const { application } = server;
  api = await startApi({ application, host: '127.0.0.1', port: 0, requestsPerSecond: 10_000 });
}

async function stop(): Promise<void> {
  await api.stop();
  await server.stop();
}

function remote(...args: readonly string[]): Promise<CommandResult> {
  return runColdpatch({ args: ['--server', api.url, '--token-file', tokenFile, ...args], environment });
}

async function answer<Found>(...args: readonly string[]): Promise<Found> {
  const { exitCode, stdout, stderr } = await remote(...args, '--json');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout) as Found;
}

/** A second connection to the database, as a server of other tests has it. */
async function withStore<Found>(
  work: (store: ReturnType<typeof openStore>) => Promise<Found>,
): Promise<Found> {
  const store = openStore(join(state, 'coldpatch.db'), () => new Date());
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

interface Image {
  readonly id: string;
  readonly locator: string;
}

interface Run {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
}

async function idle(): Promise<void> {
  const authorization = `Bearer ${readFileSync(tokenFile, 'utf8').trim()}`;
  const isAtRest = async (): Promise<boolean> => {
    const response = await fetch(`${api.url}/api/v1/runs`, { headers: { authorization } });
    const { items } = (await response.json()) as { readonly items: readonly Run[] };
    return items.length > 0 && items.every(({ state: now }) => !['queued', 'running'].includes(now));
  };
  await expect.poll(isAtRest, { timeout: 60_000, interval: 50 }).toBe(true);
}

describe('the verbs of the command line for a server', () => {
  test('a source is collected, its images are listed, and what they are open to', async () => {
    await idle();
    const collected = await remote('collect', 'lab', '--follow');
    expect(collected).toMatchObject({ exitCode: 0, stderr: '' });
    expect(collected.stdout).toMatch(/run: state done/);
    await idle();
    const listed = await answer<readonly Image[]>('list');
    expect(listed.map(({ locator }) => locator).toSorted()).toEqual(
      ['a', 'b'].map((name) => join(images, `${name}.qcow2`)),
    );
    const image = listed.find(({ locator }) => locator.endsWith('a.qcow2'));
    const finding = {
      advisory: 'CVE-2024-6387',
      manager: 'dpkg',
      package: 'openssh-server',
      architecture: 'amd64',
      installed: '1',
      severity: 'high',
      fixed_version: '2\u001b[31m',
      remedy: 'fix-published',
      exploited_since: null,
    };
    await withStore(async (store) => {
      await replaceFindings(store, image?.id ?? '', [finding]);
      await updateImageRow(store, image?.id ?? '', { vulnerabilities: 1, urgent: 1, unknowns: 0 });
    });
    const open = await answer<readonly Image[]>('list', '--advisory', 'CVE-2024-6387');
    expect(open.map(({ id }) => id)).toEqual([image?.id]);
    const { stdout } = await remote('scan', image?.locator ?? '');
    expect(stdout).toMatch(/CVE-2024-6387 +high +openssh-server +1 +2/);
    expect(stdout).toMatch(/1 vulnerabilities, 1 of them urgent/);
    expect(stdout).not.toContain('\u001b');
    expect(await answer('show', image?.id ?? '')).toMatchObject({
      exposure: { vulnerabilities: 1, urgent: 1 },
    });
  });

  test('a run is started, followed to its end, approved and cancelled', async () => {
    const matched = await remote('match', join(images, 'b.qcow2'), '--follow');
    expect(matched).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('system_unknown') as string,
    });
    const [image] = await answer<readonly Image[]>('list');
    const id = await withStore(async (store) => {
      const run = {
        kind: 'upgrade',
        sourceId: 'lab',
        imageId: image?.id ?? '',
        steps: ['plan'],
        requestedBy: 'x',
      } as const;
      const added = await addRun(store, run);
      await moveRun(store, added.id, { from: ['queued', 'running'], to: 'waiting' });
      return added.id;
    });
    const cancelled = await remote('cancel', id, '--follow');
    expect(cancelled).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('interrupted') as string,
    });
    const refused = await remote('approve', id);
    expect(refused).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('state_conflict') as string,
    });
  });

  test('what is wrong is said with the codes of the server, and no token is sent in the clear', async () => {
    expect(await remote('show', 'nowhere')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('object_unknown') as string,
    });
    expect(await remote('attestation', '00000000-0000-4000-8000-000000000000')).toMatchObject({
      exitCode: 2,
    });
    expect(await remote('update', 'x', 'y', 'z')).toMatchObject({ exitCode: 2 });
    const ask = (server: string, file = tokenFile) =>
      runColdpatch({ args: ['--server', server, '--token-file', file, 'list'], environment });
    expect(await ask('http://127.example.org')).toMatchObject({ exitCode: 2 });
    expect(await ask('http://192.0.2.1:8930')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('in the clear') as string,
    });
    const bad = join(folder, 'bad');
    writeFileSync(bad, 'wrong');
    expect(await ask(api.url, bad)).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('not_authenticated') as string,
    });
    expect(await ask('http://127.0.0.1:1')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('server_unreachable') as string,
    });
  });
});

test('clients that do not read cost no memory, and hold up nobody', async () => {
  const [run] = await answer<readonly Run[]>('runs', '--kind', 'collect');
  await withStore(async (store) => {
    await store.db.transaction().execute(async (db) => {
      const detail = JSON.stringify({ text: 'x'.repeat(20_000) });
      for (let index = 0; index < 500; index += 1)
        await addRunEvent({ ...store, db }, run?.id ?? '', { kind: 'progress', detail });
    });
  });
  const token = readFileSync(tokenFile, 'utf8').trim();
  const { hostname, port } = new URL(api.url);
  const before = process.memoryUsage().rss;
  const slow = Array.from({ length: 20 }, () => {
    const socket = connect({ host: hostname, port: Number(port) });
    socket.pause();
    socket.write(
      `GET /api/v1/runs/${run?.id}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    return socket;
  });
  try {
    await sleep(2000);
    // What the kernel takes is not ours; 10 MB for each of them would be 200 MB.
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 ** 2);
    const start = performance.now();
    expect((await fetch(`${api.url}/health/ready`)).status).toBe(200);
    expect(performance.now() - start).toBeLessThan(10_000);
    const whole = await fetch(`${api.url}/api/v1/runs/${run?.id}/events`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect((await whole.text()).match(/event: progress/g)).toHaveLength(500);
  } finally {
    for (const socket of slow) socket.destroy();
  }
});

describe('a backup', () => {
  const backup = (file: string): Promise<CommandResult> =>
    runColdpatch({ args: ['backup', file], environment });
  const restore = (file: string): Promise<CommandResult> =>
    runColdpatch({ args: ['restore', file, '--json'], environment });
  let file: string;

  test('is made while the server works, for its user alone, and over nothing', async () => {
    file = join(folder, 'backup.db');
    await idle();
    expect(await backup(file)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await backup(file)).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('state_conflict') as string,
    });
    expect(await restore(file)).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('server_running') as string,
    });
  });

  test('comes back when it is whole, and what was there is kept', async () => {
    const before = await answer<readonly Image[]>('list');
    const made = await remote('collect', 'lab', '--json');
    const { id: later } = JSON.parse(made.stdout) as Run;
    await idle();
    await stop();

    const damaged = join(folder, 'damaged.db');
    writeFileSync(damaged, readFileSync(file));
    truncateSync(damaged, 60_000);
    const other = join(folder, 'other.db');
    writeFileSync(other, 'no database');
    const forged = join(folder, 'forged.db');
    writeFileSync(forged, readFileSync(file));
    const database = new DatabaseSync(forged);
    database.exec("DROP TRIGGER audit_is_not_changed; UPDATE audit SET actor = 'nobody' WHERE sequence = 1");
    database.close();
    for (const [path, code] of [
      [damaged, 'backup_invalid'],
      [other, 'backup_invalid'],
      [forged, 'audit_broken'],
      [join(folder, 'none'), 'file_not_found'],
    ] as const)
      expect(await restore(path)).toMatchObject({
        stderr: expect.stringContaining(code) as string,
        stdout: '',
      });

    const restored = await restore(file);
    expect(restored).toMatchObject({ exitCode: 0, stderr: '' });
    const { kept } = JSON.parse(restored.stdout) as { readonly kept: string };
    expect(statSync(kept).size).toBeGreaterThan(0);
    await start();
    expect(await server.makeFirstToken()).toBeUndefined();
    expect((await answer<readonly Image[]>('list')).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    const runs = await answer<readonly Run[]>('runs');
    expect(runs.map(({ id }) => id)).not.toContain(later);
    const isReadAgain = (): Promise<boolean> =>
      withStore(async (store) =>
        (await listImages(store, {}, { limit: 9 })).every(({ digest }) => digest !== null),
      );
    await expect.poll(isReadAgain, { timeout: 60_000, interval: 200 }).toBe(true);
  });

  test('is made by the unit of systemd, which keeps the newest', async () => {
    const directory = join(folder, 'backups');
    mkdirSync(directory);
    for (const day of ['01', '02', '03'])
      writeFileSync(join(directory, `coldpatch-202601${day}T000000Z.db`), '');
    writeFileSync(join(directory, 'other.db'), '');
    execFileSync('/bin/sh', [join(packaging, 'back-up.sh')], {
      env: {
        ...process.env,
        PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`,
        ...environment,
        COLDPATCH_BACKUP_DIRECTORY: directory,
        COLDPATCH_BACKUPS_KEPT: '2',
      },
    });
    const names = readdirSync(directory).toSorted();
    expect(names.slice(0, 1)).toEqual(['coldpatch-20260103T000000Z.db']);
    expect(names).toHaveLength(3);
    expect(names).toContain('other.db');
  });
});

test('systemd understands the units', () => {
  const own = join(folder, 'units');
  mkdirSync(own);
  const units = readdirSync(packaging).filter((name) => !name.endsWith('.sh'));
  expect(units).toHaveLength(6);
  for (const name of units) {
    const text = readFileSync(join(packaging, name), 'utf8');
    writeFileSync(join(own, name), text.replaceAll('/opt/coldpatch', join(packaging, '../..')));
  }
  const verify = (path: string) =>
    spawnSync('systemd-analyze', ['verify', '--man=no', path], { encoding: 'utf8' });
  for (const name of units) expect(verify(join(own, name))).toMatchObject({ status: 0, stderr: '' });
  writeFileSync(join(own, 'broken.service'), '[Service]\nExecStart=/nonexistent\nNoSuchKey=1\n');
  expect(verify(join(own, 'broken.service')).stderr).toContain('NoSuchKey');
});
