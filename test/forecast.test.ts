/** Real boot loaders of Debian on a real EFI system partition, and a key that systemd-cryptenroll bound to a real vTPM. */
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ImageForecast } from '../src/app/forecast.ts';
import { memorySource } from '../src/disk/memory-source.ts';
import { appendVariables, signatureList } from '../src/disk/uefi-variables/fixtures/write-uefi-variables.ts';
import { readBootProgram } from '../src/guest/measured-boot/read-boot-program.ts';
import { writeManifest } from '../src/machines/generations/manifest.ts';
import { stateDirectoryOf } from '../src/machines/generations/state-directory.ts';
import { runColdpatch } from './support/command-line-fixture.ts';
import { withTpm } from './support/tpm-session.ts';

let folder: string;
let image: string;
let encrypted: string;
let loaders: {
  readonly shim: string;
  readonly manager: string;
  readonly grub: string;
  readonly systemdBoot: string;
};
const variables = '/usr/share/OVMF/OVMF_VARS_4M.ms.fd';
/** Where the variables of that file end. */
const freePlace = 0x5998;
const shimVendor = '605dab50-e046-4300-abb6-3dd810dd8b23';
const databaseVendor = 'd719b2cb-3d3a-4596-a3bc-dad00e67656f';

function run(file: string, ...args: readonly string[]): string {
  return execFileSync(file, args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 300_000,
  });
}

/** A disk with an EFI system partition of these files, and an encrypted partition. */
function makeDisk(path: string, files: Readonly<Record<string, string>>): void {
  const esp = join(folder, 'esp.img');
  rmSync(esp, { force: true });
  writeFileSync(esp, '');
  truncateSync(esp, 40 * 1024 * 1024);
  run('mkfs.fat', '-F', '32', esp);
  run('mmd', '-i', esp, '::EFI', '::EFI/BOOT', '::EFI/debian', '::EFI/systemd');
  for (const [name, source] of Object.entries(files)) run('mcopy', '-i', esp, source, `::EFI/${name}`);
  writeFileSync(path, '');
  truncateSync(path, 72 * 1024 * 1024);
  const table =
    'label: gpt\nstart=2048,size=81920,type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B\nstart=83968,size=49152\n';
  execFileSync('sfdisk', ['-q', path], { input: table, stdio: ['pipe', 'pipe', 'pipe'] });
  run('dd', `if=${esp}`, `of=${path}`, 'bs=1M', 'seek=1', 'conv=notrunc', 'status=none');
  run('dd', `if=${encrypted}`, `of=${path}`, 'bs=1M', 'seek=41', 'conv=notrunc', 'status=none');
}

async function forecast(...args: readonly string[]): Promise<ImageForecast> {
  const { exitCode, stdout, stderr } = await runColdpatch({ args: ['forecast', image, '--json', ...args] });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout) as ImageForecast;
}

/** The variables of OVMF with one more. */
function variablesWith(name: string, vendor: string, data: Uint8Array): string {
  const path = join(folder, `${name}.fd`);
  const bytes = readFileSync(variables);
  const store = bytes.subarray(72);
  // A variable is put behind the others, and the former one of the same name is marked as deleted.
  const former = bytes.indexOf(Buffer.from(`${name}\0`, 'utf16le'), 72);
  if (former !== -1) bytes[former - 58] = 0x3c;
  appendVariables(store, freePlace - 72, [{ vendor, name, data }]);
  writeFileSync(path, bytes);
  return path;
}

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'forecast-')));
  const wanted = ['shim-signed', 'shim-unsigned', 'grub-efi-amd64-signed', 'systemd-boot-efi'];
  run('apt-get', '-o', 'APT::Sandbox::User=root', 'download', ...wanted);
  const tree = join(folder, 'packages');
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.deb')))
    run('dpkg-deb', '-x', name, tree);
  loaders = {
    shim: join(tree, 'usr/lib/shim/shimx64.efi.signed'),
    manager: join(tree, 'usr/lib/shim/mmx64.efi'),
    grub: join(tree, 'usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed'),
    systemdBoot: join(tree, 'usr/lib/systemd/boot/efi/systemd-bootx64.efi'),
  };
  encrypted = join(folder, 'encrypted');
  writeFileSync(encrypted, '');
  truncateSync(encrypted, 20 * 1024 * 1024);
  const quick = ['--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000'];
  execFileSync('cryptsetup', ['luksFormat', '-q', '--type', 'luks2', ...quick, encrypted, '-'], {
    input: 'password',
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const state = join(folder, 'tpm');
  mkdirSync(state);
  await withTpm(`dir=${state}`, folder, (_tpm2, port) => {
    execFileSync(
      'systemd-cryptenroll',
      [`--tpm2-device=swtpm:host=127.0.0.1,port=${port}`, '--tpm2-pcrs=7+9', encrypted],
      {
        env: { PATH: process.env.PATH, PASSWORD: 'password' },
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 300_000,
      },
    );
  });
  image = join(folder, 'disk.raw');
  makeDisk(image, {
    'BOOT/BOOTX64.EFI': loaders.shim,
    'debian/shimx64.efi': loaders.shim,
    'debian/mmx64.efi': loaders.manager,
    'debian/grubx64.efi': loaders.grub,
  });
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true }));

test('a key that systemd-cryptenroll bound to PCRs 7 and 9 fails after a new initramfs, kernel or menu', async () => {
  const { chain, changes, gaps } = await forecast();
  expect(gaps).toEqual([]);
  expect(chain).toEqual({
    firmware: 'uefi',
    hasShim: true,
    grub: 'measures',
    hasSystemdBoot: false,
    hasUki: false,
    isSure: true,
  });
  expect(changes[0]?.keys).toMatchObject([
    {
      volume: 'partition 2',
      kind: 'systemd-tpm2',
      bank: 'sha256',
      registers: [7, 9],
      mask: '0x280',
      signedRegisters: [],
    },
  ]);
  expect(
    Object.fromEntries(changes.map(({ change, asksForRecoveryKey }) => [change, asksForRecoveryKey])),
  ).toEqual({
    shim: 'possibly',
    grub: 'possibly',
    'systemd-boot': 'no',
    kernel: 'yes',
    initramfs: 'yes',
    'boot-menu': 'yes',
    'secure-boot-keys': 'possibly',
  });
});

test("Debian's shim and GRUB start with the keys of Microsoft", async () => {
  const { secureBoot } = await forecast('--uefi-vars', variables);
  expect(secureBoot).toMatchObject({ isEnforced: true, sbatLevel: null, forbidden: 1, generations: [] });
  expect(secureBoot?.present).toMatchObject({
    isRefused: 'no',
    sbatLevel: expect.stringMatching(/^20\d{8}$/),
  });
  expect(secureBoot?.present.programs.filter(({ kind }) => kind !== 'shim-helper')).toMatchObject([
    { kind: 'shim', because: [] },
    { kind: 'grub', because: [] },
    { kind: 'shim', because: [] },
  ]);
  const off = await forecast('--uefi-vars', '/usr/share/OVMF/OVMF_VARS_4M.fd');
  expect(off.secureBoot).toMatchObject({ isEnforced: false, present: { isRefused: 'no' } });
});

test('GRUB is refused by a level of SBAT that asks for more, and by dbx', async () => {
  const level = variablesWith('SbatLevel', shimVendor, Buffer.from('sbat,1,2030010100\nshim,4\ngrub,99\n'));
  const raised = await forecast('--uefi-vars', level);
  expect(raised.secureBoot).toMatchObject({ sbatLevel: '2030010100', present: { isRefused: 'yes' } });
  const grub = readBootProgram(memorySource(readFileSync(loaders.grub)), { withIdentity: true });
  const digest = Buffer.from(grub?.identity?.digest ?? '', 'hex');
  const lists = signatureList('c1c41626-504c-4092-aca9-41f936934328', [digest]);
  const forbidden = await forecast('--uefi-vars', variablesWith('dbx', databaseVendor, lists));
  expect(forbidden.secureBoot).toMatchObject({ forbidden: 1, present: { isRefused: 'yes' } });
  expect(forbidden.secureBoot?.present.programs.flatMap(({ because }) => because)).toEqual([
    'dbx forbids this very program',
  ]);
});

test('a former state is refused by the level that the shim of the present one brings, before the variables have it', async () => {
  const grub = readFileSync(loaders.grub);
  const at = grub.indexOf('\ngrub,5,');
  expect(at).toBeGreaterThan(0);
  grub.write('\ngrub,3,', at, 'latin1');
  const old = join(folder, 'old-grub.efi');
  writeFileSync(old, grub);
  const directory = join(stateDirectoryOf(image).generations, '1');
  mkdirSync(directory, { recursive: true });
  const path = join(directory, 'disk');
  makeDisk(path, { 'BOOT/BOOTX64.EFI': loaders.shim, 'debian/grubx64.efi': old });
  const { size } = statSync(path);
  writeFileSync(
    join(directory, 'manifest.json'),
    writeManifest({
      schema: 1,
      generation: 1,
      reason: 'update',
      takenAt: '2026-01-01T00:00:00Z',
      image,
      format: 'raw',
      disk: { file: 'disk', sha256: '0'.repeat(64), size, allocated: size },
      identity: { owner: 0, group: 0, mode: 0o600 },
    }),
  );
  const { secureBoot } = await forecast('--uefi-vars', variables);
  expect(secureBoot?.present.isRefused).toBe('no');
  expect(secureBoot?.generations).toMatchObject([
    { generation: 1, isRefused: 'yes', programs: [{ kind: 'shim', because: [] }, { kind: 'grub' }] },
  ]);
  expect(secureBoot?.generations[0]?.programs[1]?.because).toEqual([
    expect.stringMatching(/^SBAT asks for grub of generation \d+ at least \(level 20\d{8}\), and it is 3$/),
  ]);
});

test('the digests are those that Microsoft and Debian signed', () => {
  for (const [path, signatures] of [
    [loaders.shim, 2],
    [loaders.grub, 1],
  ] as const) {
    const program = readBootProgram(memorySource(readFileSync(path)), { withIdentity: true });
    const contents = program?.identity?.signatures.map(({ content }) => Buffer.from(content).toString('hex'));
    expect(contents).toHaveLength(signatures);
    for (const content of contents ?? []) expect(content).toContain(program?.identity?.digest);
  }
});

test('tells what Debian has of boot loaders apart', () => {
  const kindOf = (path: string) => readBootProgram(memorySource(readFileSync(path)), { withIdentity: false });
  expect(kindOf(loaders.shim)).toMatchObject({ kind: 'shim', level: { date: expect.stringMatching(/^20/) } });
  expect(kindOf(loaders.manager)).toMatchObject({ kind: 'shim-helper' });
  expect(kindOf(loaders.grub)).toMatchObject({ kind: 'grub', measures: true });
  expect(kindOf(loaders.systemdBoot)).toMatchObject({ kind: 'systemd-boot' });
  const stub = join(folder, 'packages/usr/lib/systemd/boot/efi/linuxx64.efi.stub');
  const unified = join(folder, 'unified.efi');
  writeFileSync(join(folder, 'cmdline'), 'root=/dev/vda2');
  const section = (name: string, file: string, at: string) => [
    '--add-section',
    `${name}=${file}`,
    '--change-section-vma',
    `${name}=${at}`,
  ];
  run(
    'objcopy',
    ...section('.cmdline', join(folder, 'cmdline'), '0x30000'),
    ...section('.linux', loaders.manager, '0x2000000'),
    stub,
    unified,
  );
  expect(kindOf(unified)).toMatchObject({ kind: 'uki', sbat: [{ name: 'sbat' }, { name: 'systemd' }, {}] });
});

test('a table for people, and errors that say what to name', async () => {
  const { stdout } = await runColdpatch({ args: ['forecast', image, '--uefi-vars', variables] });
  expect(stdout).toContain('Starts by: uefi, shim, GRUB\n');
  expect(stdout).toMatch(/initramfs +9 +yes/);
  expect(stdout).toContain('  partition 2: systemd-tpm2 (sha256 7, 9, mask 0x280)\n');
  expect(stdout).toContain('  the image starts\n');
  const wrong = await runColdpatch({ args: ['forecast', image, '--uefi-vars', image] });
  expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('uefi_variables_invalid') });
  const unknown = await runColdpatch({
    args: ['forecast', image, '--uefi-vars', variables, '--generation', '7'],
  });
  expect(unknown).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('generation_unknown') });
});
