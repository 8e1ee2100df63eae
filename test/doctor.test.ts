import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeWorkDirectory, openStateDirectory } from '../src/machines/generations/state-directory.ts';
import type { Diagnosis } from '../src/machines/host/diagnose-host.ts';
import { examineHost } from '../src/machines/host/examine-host.ts';
import { hostPrograms } from '../src/machines/host/host-programs.ts';
import { probeFuseExport } from '../src/machines/hypervisors/qemu/probe-fuse-export.ts';
import { acquireRunLock } from '../src/machines/run-lock.ts';
import { systemPackages } from '../tools/system-packages.ts';

const program = fileURLToPath(new URL('../bin/coldpatch', import.meta.url));

let folder: string;
let image: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'doctor-')));
  image = join(folder, 'web.img');
  writeFileSync(image, 'disk');
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Answer {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function doctor(...args: readonly string[]): Answer {
  return spawnSync(program, ['doctor', ...args], {
    encoding: 'utf8',
    env: { ...process.env, COLDPATCH_KVM_PROBE_SECONDS: '1' },
  });
}

function diagnosisOf({ stdout, stderr }: Answer): Diagnosis {
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Diagnosis;
}

test('a host that has what the tests need lacks nothing, and doctor leaves nothing', () => {
  const answer = doctor('--json', folder);
  const { checks, installCommand, leftovers, gaps } = diagnosisOf(answer);
  expect(checks.filter(({ ok, required }) => required && !ok)).toEqual([]);
  for (const name of ['namespaces', 'loop devices', 'FUSE export', `folder ${folder}`]) {
    expect(checks.find(({ check }) => check === name)).toMatchObject({ ok: true });
  }
  expect({ installCommand, leftovers, gaps }).toEqual({ installCommand: null, leftovers: [], gaps: [] });
  expect(answer.status).toBe(0);
});

test('a person gets a table', () => {
  const { stdout, status } = doctor(folder);
  expect(stdout).toMatch(/^check +found\n/);
  expect(stdout).toMatch(/^FUSE export +ok +/m);
  expect(status).toBe(0);
});

test('what a killed run left is found, and cleaned when that is asked for', async () => {
  const state = await openStateDirectory(image);
  const work = makeWorkDirectory(state, 'run-1');
  const disk = join(work, 'copy');
  writeFileSync(disk, '');
  truncateSync(disk, 1024 * 1024);
  const device = spawnSync('losetup', ['--find', '--show', disk], { encoding: 'utf8' }).stdout.trim();
  const mountPoint = join(work, 'mounted');
  mkdirSync(mountPoint);
  expect(spawnSync('mount', ['-t', 'tmpfs', 'coldpatch', mountPoint]).status).toBe(0);

  const found = doctor('--json', folder);
  expect(found.status).toBe(4);
  expect(diagnosisOf(found).leftovers).toEqual(
    expect.arrayContaining([
      { image, kind: 'work', path: work },
      { image, kind: 'mount', path: mountPoint },
      { image, kind: 'loop_device', path: device },
    ]),
  );
  expect(existsSync(disk)).toBe(true);

  const cleaned = doctor('--clean', '--json', folder);
  expect(diagnosisOf(cleaned)).toMatchObject({
    leftovers: [],
    cleaned: [{ image, detached: [mountPoint, device], removed: [work] }],
  });
  expect(cleaned.status).toBe(0);
  expect(existsSync(work)).toBe(false);
});

test('what a run is using is left alone', async () => {
  const state = await openStateDirectory(image);
  const work = makeWorkDirectory(state, 'run-1');
  await using _lock = await acquireRunLock(state.path);
  const answer = doctor('--clean', '--json', folder);
  expect(diagnosisOf(answer)).toMatchObject({
    inUse: expect.arrayContaining([image]) as string[],
    leftovers: [],
    cleaned: [],
  });
  expect(answer.status).toBe(0);
  expect(existsSync(work)).toBe(true);
});

test('a folder that is not there is a finding', () => {
  expect(doctor('--json', join(folder, 'none')).status).toBe(4);
});

test('without root nothing that needs it is tried or counted', async () => {
  const { checks } = await examineHost({
    directories: [],
    kvmProbeSeconds: 1,
    cacheDirectory: folder,
    nodeVersion: process.versions.node,
    isRoot: false,
  });
  for (const name of ['root', 'namespaces', 'loop devices', 'FUSE export']) {
    expect(checks.find(({ check }) => check === name)).toMatchObject({ ok: false, required: false });
  }
});

test('without an appliance KVM is not tried', async () => {
  const { checks } = await examineHost({
    directories: [],
    kvmProbeSeconds: 1,
    cacheDirectory: folder,
    nodeVersion: process.versions.node,
    isRoot: false,
  });
  expect(checks.find(({ check }) => check === 'KVM')).toMatchObject({
    ok: false,
    required: false,
    detail: expect.stringContaining('no appliance') as string,
  });
});

test('a FUSE export shows the bytes of its disk', async () => {
  expect(await probeFuseExport(folder)).toBe(true);
});

test('doctor looks for the programs that the installer of system packages brings', () => {
  const proofs = systemPackages.product.flatMap(({ name, proof }) =>
    proof.filter((one) => !one.startsWith('/')).map((one) => `${one} of ${name}`),
  );
  const looked = hostPrograms.map((entry) => `${entry.program} of ${entry.package}`);
  expect(looked).toEqual(expect.arrayContaining(proofs));
});
