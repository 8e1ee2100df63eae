/** Generations that go from one host to another, and vTPMs of every kind that swtpm knows. */
import { execFileSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { importGeneration } from '../src/machines/machine-generations/import-generation.ts';
import { pruneGenerations } from '../src/machines/machine-generations/prune-generations.ts';
import { takeGeneration } from '../src/machines/machine-generations/take-generation.ts';
import { withMachine } from '../src/machines/machine-generations/with-machine.ts';
import { type CommandResult, runColdpatch } from './support/command-line-fixture.ts';
import { sealSecret, unsealSecret, withTpm } from './support/tpm-session.ts';

let folder: string;
let tools: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'transfer-')));
  tools = join(folder, 'tpm2-tools');
  mkdirSync(tools);
});
afterEach(() => rmSync(folder, { recursive: true }));

function coldpatch(host: string, ...args: readonly string[]): Promise<CommandResult> {
  return runColdpatch({ args, environment: { COLDPATCH_STATE_DIRECTORY: join(folder, host, 'state') } });
}

async function done(host: string, ...args: readonly string[]): Promise<string> {
  const result = await coldpatch(host, ...args);
  expect(result.stderr).toBe('');
  return result.stdout;
}

function directory(...names: readonly string[]): string {
  const path = join(folder, ...names);
  mkdirSync(path, { recursive: true });
  return path;
}

async function numbers(host: string): Promise<readonly number[]> {
  const { stdout } = await coldpatch(host, 'generations', 'list', 'web', '--json');
  const list = JSON.parse(stdout) as { number: number }[];
  return list.map(({ number }) => number);
}

test('a generation goes to another host and back to life there', async () => {
  const tpm = directory('one', 'tpm');
  const disk = join(folder, 'one', 'disk.img');
  const sealed = await withTpm(`dir=${tpm}`, tools, (tpm2) => sealSecret(tpm2, tools, 'secret'));
  writeFileSync(disk, sealed);
  await done('one', 'machine', 'add', 'web', '--disk', disk, '--tpm', tpm);
  await done('one', 'generations', 'take', 'web', '--reason', 'for the other host');
  const archive = join(folder, 'exported:web.tar');
  await done('one', 'generations', 'export', 'web', '1', archive);
  expect((await coldpatch('one', 'generations', 'export', 'web', '1', archive)).exitCode).toBe(2);
  expect(statSync(archive).mode & 0o7777).toBe(0o600);
  expect(readdirSync(folder).filter((name) => name.endsWith('.unfinished'))).toEqual([]);

  const otherTpm = directory('two', 'tpm');
  await withTpm(`dir=${otherTpm}`, tools, (tpm2) => tpm2('clear', '-c', 'p'));
  const otherDisk = join(folder, 'two', 'other-name.img');
  writeFileSync(otherDisk, Buffer.alloc(4096));
  await done('two', 'machine', 'add', 'web', '--disk', otherDisk, '--tpm', otherTpm);
  const key = join(folder, 'one', 'state', 'service-key.pub');
  const unknown = await coldpatch('two', 'generations', 'import', 'web', archive);
  expect(unknown.stderr).toContain('signature_invalid');

  // Bytes of a member, of the manifest, and of no archive at all.
  const member = readFileSync(archive).indexOf(sealed.subarray(0, 100));
  expect(member).toBeGreaterThan(1000);
  for (const [index, position] of [700, member, -1].entries()) {
    const broken = join(folder, `broken${index}.tar`);
    copyFileSync(archive, broken);
    const bytes = readFileSync(broken);
    if (position === -1) bytes.fill(1);
    else bytes.fill('x', position, position + 16);
    writeFileSync(broken, bytes);
    const refused = await coldpatch('two', 'generations', 'import', 'web', broken, '--key', key);
    expect(refused.exitCode).toBe(3);
    expect(await numbers('two')).toEqual([]);
    expect(existsSync(join(folder, 'two', '.coldpatch-machines'))).toBe(false);
  }

  const imported = JSON.parse(
    await done('two', 'generations', 'import', 'web', archive, '--key', key, '--json'),
  ) as { readonly generation: number };
  expect(await numbers('two')).toEqual([imported.generation]);
  await done('two', 'generations', 'rollback', 'web', '--generation', String(imported.generation));
  const unsealed = await withTpm(`dir=${otherTpm}`, tools, (tpm2) =>
    unsealSecret(tpm2, tools, readFileSync(otherDisk)),
  );
  expect(unsealed).toBe('secret');
  expect((await coldpatch('two', 'generations', 'verify', 'web')).exitCode).toBe(0);
});

test('what is no archive with the members alone is refused', async () => {
  const disk = join(directory('one'), 'disk.img');
  writeFileSync(disk, Buffer.alloc(4096));
  await done('one', 'machine', 'add', 'web', '--disk', disk);
  await done('one', 'generations', 'take', 'web');
  const archive = join(folder, 'web.tar');
  await done('one', 'generations', 'export', 'web', '1', archive);
  const unpacked = directory('unpacked');
  execFileSync('tar', ['-x', '-f', archive, '-C', unpacked]);
  rmSync(join(unpacked, 'disk0'));
  execFileSync('ln', ['-s', '/etc/passwd', join(unpacked, 'disk0')]);
  execFileSync('tar', ['-c', '-f', archive, '-C', unpacked, 'manifest.dsse.json', 'disk0']);
  const refused = await coldpatch('one', 'generations', 'import', 'web', archive);
  expect(refused).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining('transfer_invalid') as string,
  });
  expect(await numbers('one')).toEqual([1]);
});

test('what was imported is no state that the machine had, and as old as it is here', async () => {
  const disk = join(directory('one'), 'disk.img');
  writeFileSync(disk, Buffer.alloc(4096));
  await done('one', 'machine', 'add', 'web', '--disk', disk);
  await done('one', 'generations', 'take', 'web');
  const archive = join(folder, 'web.tar');
  await done('one', 'generations', 'export', 'web', '1', archive);
  const state = join(folder, 'one', 'state');
  const key = createPublicKey(readFileSync(join(state, 'service-key.pub')));
  const later = (): Date => new Date('2100-01-01T00:00:00Z');
  await withMachine(state, 'web', { now: later }, async (context) => {
    await importGeneration(context, { archive, keys: [key], now: later });
    const options = { cause: 'request', reason: '', reserve: 0n, now: later } as const;
    expect((await takeGeneration(context, options)).manifest.parent).toMatchObject({ generation: 1 });
    expect(await pruneGenerations(context, { maxAgeDays: 30 }, { now: later })).toEqual([1]);
  });
  expect(await numbers('one')).toEqual([2, 3]);
});

test('generations past a limit are pruned', async () => {
  const disk = join(directory('one'), 'disk.img');
  writeFileSync(disk, Buffer.alloc(4096));
  await done('one', 'machine', 'add', 'web', '--disk', disk);
  for (const reason of ['first', 'second', 'third']) {
    await done('one', 'generations', 'take', 'web', '--reason', reason);
  }
  expect((await coldpatch('one', 'generations', 'prune', 'web')).exitCode).toBe(2);
  await done('one', 'generations', 'prune', 'web', '--keep', '2', '--max-age', '5');
  expect(await numbers('one')).toEqual([2, 3]);
  await done('one', 'generations', 'prune', 'web', '--max-size', '1K');
  expect(await numbers('one')).toEqual([3]);
  const [id = ''] = readdirSync(join(folder, 'one', '.coldpatch-machines'));
  expect(readdirSync(join(folder, 'one', '.coldpatch-machines', id))).toEqual(['3']);
});

const keys = {
  hex: { text: '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n', option: 'file' },
  passphrase: { text: 'a passphrase of some length', option: 'pwdfile' },
} as const;

test.each([
  ['directory', 'hex'],
  ['file', 'passphrase'],
  ['file', undefined],
] as const)('a vTPM in a %s, encrypted by %s, goes back too', async (backend, kind) => {
  const home = directory('one');
  const state = join(home, 'tpm');
  const keyFile = join(home, 'key');
  const disk = join(home, 'disk.img');
  if (backend === 'directory') mkdirSync(state);
  const stateOption = backend === 'directory' ? `dir=${state}` : `backend-uri=file://${state}`;
  const key = kind && keys[kind];
  const format = kind === 'hex' ? ',format=hex' : '';
  const keyArguments = key ? ['--key', `${key.option}=${keyFile},mode=aes-256-cbc${format}`] : [];
  if (key) writeFileSync(keyFile, key.text, { mode: 0o600 });
  const sealed = await withTpm(stateOption, tools, (tpm2) => sealSecret(tpm2, tools, 'secret'), keyArguments);
  writeFileSync(disk, sealed);
  const add = ['machine', 'add', 'web', '--disk', disk, '--tpm', state];
  if (kind) {
    await done('one', ...add);
    const refused = await coldpatch('one', 'generations', 'take', 'web');
    expect(refused).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('vtpm_key') as string });
    await done('one', 'machine', 'remove', 'web');
  }
  await done('one', ...add, ...(kind ? ['--tpm-key', keyFile, '--tpm-key-kind', kind] : []));
  await withTpm(
    stateOption,
    tools,
    async () => {
      const refused = await coldpatch('one', 'generations', 'take', 'web');
      expect(refused.stderr).toContain('image_in_use');
    },
    keyArguments,
  );
  await done('one', 'generations', 'take', 'web');
  await withTpm(stateOption, tools, (tpm2) => tpm2('clear', '-c', 'p'), keyArguments);
  if (key) {
    writeFileSync(keyFile, key.text.replaceAll('a', 'b'));
    const refused = await coldpatch('one', 'generations', 'rollback', 'web');
    expect(refused).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('vtpm_key') as string });
    writeFileSync(keyFile, key.text);
    const [newest] = await numbers('one');
    const { stdout: shown } = await coldpatch('one', 'generations', 'show', 'web', String(newest), '--json');
    expect(shown).toMatch(/"keyId": "[0-9a-f]{32}"/);
    expect(shown).not.toContain(key.text.trim());
  }
  const listed = await coldpatch('one', 'generations', 'list', 'web');
  expect(listed).toMatchObject({ exitCode: 4, stdout: expect.stringContaining('or was cleared') as string });
  await done('one', 'generations', 'rollback', 'web');
  const found = await withTpm(
    stateOption,
    tools,
    (tpm2) => unsealSecret(tpm2, tools, readFileSync(disk)),
    keyArguments,
  );
  expect(found).toBe('secret');
});
