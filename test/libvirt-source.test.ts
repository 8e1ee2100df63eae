/** Pools and domains of a real libvirtd as a source: what is listed, what changes, and what is in use. */
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSource } from '../src/sources/registry.ts';
import type { OtherSources, Source, SourceFile } from '../src/sources/types.ts';
import { type OwnLibvirtd, startOwnLibvirtd } from './support/own-libvirtd.ts';

const noOthers: OtherSources = { members: new Map(), bases: new Set() };
let folder: string;
let pool: string;
let libvirtd: OwnLibvirtd;
let source: Source;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'libvirt-source-')));
  pool = join(folder, 'pool');
  mkdirSync(pool);
  libvirtd = await startOwnLibvirtd(folder);
  source = openSource({ kind: 'libvirt', uri: libvirtd.uri, domains: true });
});

afterAll(async () => {
  await libvirtd.stop();
  rmSync(folder, { recursive: true });
});

function image(path: string, backing?: string): string {
  const on = backing === undefined ? [] : ['-b', backing, '-F', 'qcow2'];
  execFileSync('qemu-img', [
    'create',
    '-q',
    '-f',
    'qcow2',
    ...on,
    path,
    ...(backing === undefined ? ['1M'] : []),
  ]);
  return path;
}

function define(name: string, disks: string): void {
  const xml = join(folder, `${name}.xml`);
  writeFileSync(
    xml,
    `<domain type='qemu'><name>${name}</name><memory unit='MiB'>32</memory>
    <os><type arch='x86_64' machine='q35'>hvm</type></os><devices>${disks}</devices></domain>`,
  );
  libvirtd.virsh('define', xml);
}

function disk(path: string, format = 'qcow2'): string {
  return `<disk type='file' device='disk'><driver name='qemu' type='${format}'/><source file='${path}'/><target dev='vda' bus='virtio'/></disk>`;
}

async function list(before: readonly SourceFile[] = [], others = noOthers): Promise<readonly SourceFile[]> {
  return source.list(new Map(before.map((file) => [file.locator, file])), others);
}

let base: string;
let web: string;
let outside: string;

test('files of pools and disks of domains are listed with their chains and their owners', async () => {
  const xml = join(folder, 'pool.xml');
  writeFileSync(
    xml,
    `<pool type='dir'><name>images &amp; more</name><target><path>${pool}</path></target></pool>`,
  );
  libvirtd.virsh('pool-define', xml);
  await expect(list()).rejects.toMatchObject({ code: 'source_unreachable' });
  libvirtd.virsh('pool-start', '--pool', 'images & more');
  base = image(join(pool, 'base.qcow2'));
  web = image(join(pool, 'web.qcow2'), base);
  const mail = image(join(pool, 'mail.qcow2'), base);
  outside = image(join(folder, 'outside.qcow2'));
  const raw = join(pool, 'raw-volume');
  writeFileSync(raw, Buffer.alloc(1024 * 1024));
  const hostile = image(join(pool, 'hostile'), base);
  writeFileSync(join(pool, 'notes.txt'), 'no image');
  symlinkSync('/etc/passwd', join(pool, 'link.raw'));
  define('web', disk(web));
  define(
    'mail',
    "<disk type='volume' device='disk'><driver name='qemu' type='qcow2'/><source pool='images &amp; more' volume='mail.qcow2'/><target dev='vda' bus='virtio'/></disk>",
  );
  define('raw', disk(raw, 'raw'));
  define('hostile', disk(hostile, 'raw'));
  define('outside', disk(outside));
  define('gone', disk(join(folder, 'none.qcow2')));
  const found = await list();
  expect(
    found.map(({ locator, role, owner, problem }) => ({
      locator,
      role,
      owner,
      problem: problem?.split(':')[0] ?? null,
    })),
  ).toEqual([
    { locator: outside, role: 'leaf', owner: 'outside', problem: null },
    { locator: base, role: 'base', owner: null, problem: null },
    { locator: hostile, role: 'leaf', owner: 'hostile', problem: 'image_format_unsupported' },
    { locator: mail, role: 'leaf', owner: 'mail', problem: null },
    { locator: raw, role: 'leaf', owner: 'raw', problem: null },
    { locator: web, role: 'leaf', owner: 'web', problem: null },
  ]);
  expect(found.find(({ locator }) => locator === web)).toMatchObject({ format: 'qcow2', backing: [base] });
  expect(found.find(({ locator }) => locator === raw)).toMatchObject({ format: 'raw' });
  expect(await source.directories()).toEqual([pool]);
});

test('what changed is found, what is gone is not listed, and what is unchanged is not opened', async () => {
  const before = await list();
  expect(await list(before)).toEqual(before);
  unlinkSync(join(pool, 'mail.qcow2'));
  execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write 0 64k', web]);
  const after = await list(before);
  expect(after.map(({ locator }) => locator)).not.toContain(join(pool, 'mail.qcow2'));
  const [was, is] = [before, after].map((files) => files.find(({ locator }) => locator === web));
  expect(is?.modifiedAt).not.toBe(was?.modifiedAt);
  expect(is).toMatchObject({ backing: [base], owner: 'web' });
});

test('only the pools that are named, and no domains beside them', async () => {
  const open = (pools: readonly string[]): Source =>
    openSource({ kind: 'libvirt', uri: libvirtd.uri, pools, domains: false });
  const found = await open(['images & more']).list(new Map(), noOthers);
  expect(found.map(({ locator }) => locator)).not.toContain(outside);
  await expect(open(['none']).list(new Map(), noOthers)).rejects.toMatchObject({
    code: 'source_unreachable',
  });
  const nowhere = openSource({
    kind: 'libvirt',
    uri: `qemu+unix:///system?socket=${folder}/none`,
    domains: true,
  });
  await expect(nowhere.list(new Map(), noOthers)).rejects.toMatchObject({ code: 'source_unreachable' });
});

test('the image of a domain that runs or is paused is in use, and free when it was shut off', async () => {
  await source.assertUnused(web);
  libvirtd.virsh('start', '--domain', 'web');
  try {
    await expect(source.assertUnused(web)).rejects.toMatchObject({ code: 'image_in_use' });
    libvirtd.virsh('suspend', '--domain', 'web');
    await expect(source.assertUnused(web)).rejects.toMatchObject({ code: 'image_in_use' });
    await source.assertUnused(outside);
  } finally {
    libvirtd.virsh('destroy', '--domain', 'web');
  }
  await source.assertUnused(web);
});

test('the image of a domain whose memory is saved is in use', async () => {
  libvirtd.virsh('start', '--domain', 'web');
  libvirtd.virsh('managedsave', '--domain', 'web');
  await expect(source.assertUnused(web)).rejects.toMatchObject({ code: 'image_in_use' });
  libvirtd.virsh('managedsave-remove', '--domain', 'web');
  await source.assertUnused(web);
});
