import { expect, test } from 'vitest';
import type { Inspection } from '../../guest/inspection.ts';
import type { Plan } from '../plan.ts';
import type { Recording } from '../recording/types.ts';
import { compareWithPlan } from './compare-with-plan.ts';

const perl = { name: 'perl', architecture: 'amd64', version: '1', manager: 'dpkg' } as const;
const file = { type: 'file', mode: 0o644, uid: 0, gid: 0, size: 1 } as const;
const nothing: Recording = { changes: [] };

function inspection(version: string, hostName = 'till'): Inspection {
  return {
    image: {
      path: '/till.raw',
      format: 'raw',
      compression: null,
      virtualSize: 1024,
      fileSize: 1024,
      chain: [],
    },
    layout: { partitionTable: null, volumes: [] },
    operatingSystem: null,
    packages: [{ ...perl, version }],
    kernels: [],
    boot: null,
    identity: { hostName, hostKeys: [] },
    state: {
      clean: true,
      hibernated: false,
      lastBootAt: null,
      lastShutdownAt: null,
      lastPackageChangeAt: null,
      pendingOfflineUpdate: false,
      brokenPackages: [],
    },
    gaps: [],
  };
}

function plan(change: Partial<Plan['changes'][number]> = {}): Plan {
  const planned = {
    name: 'perl',
    architecture: 'amd64',
    from: '1',
    to: '2',
    suite: 'stable',
    downloadSize: 1,
  };
  return {
    image: '/till.raw',
    changes: [{ ...planned, ...change }],
    held: [],
    engine: { id: 'namespace', reason: '' },
    download: { total: 1 },
    disk: { needed: 1, free: 2 },
    changedConffiles: [{ path: '/etc/perl.conf', package: 'perl', change: 'modified' }],
    atNextStart: [],
    needsRunningSystem: [],
    forecast: { registers: [], keys: [], asksForRecoveryKey: 'no', gaps: [] },
    repositories: [],
    skippedSources: [],
  };
}

function failed(after: Inspection, recording = nothing, planned = plan()): readonly string[] {
  const checks = compareWithPlan(planned, inspection('1'), after, recording);
  expect(checks).toHaveLength(6);
  return checks.filter(({ ok }) => !ok).map(({ check }) => check);
}

test('a copy that is as planned passes every check', () => expect(failed(inspection('2'))).toEqual([]));

test('a package that is not at its planned version does not pass', () =>
  expect(failed(inspection('1'))).toEqual(['packages']));

test('a removed package must be gone', () =>
  expect(failed(inspection('1'), nothing, plan({ to: null }))).toEqual(['packages']));

test('another host name does not pass', () => expect(failed(inspection('2', 'other'))).toEqual(['identity']));

test.each([
  ['a changed configuration file', '/etc/perl.conf', 'changed', 'configuration'],
  ['a removed configuration file', '/etc/perl.conf', 'removed', 'configuration'],
  ['a file of a person', '/home/anna/notes', 'changed', 'data'],
  ['the policy that kept services off', '/usr/sbin/policy-rc.d', 'added', 'leftovers'],
  ['the job of the engine boot', '/etc/systemd/system-generators/coldpatch-upgrade', 'added', 'leftovers'],
] as const)('%s does not pass', (_, path, kind, check) => {
  const what = kind === 'changed' ? { what: ['content'] as const } : {};
  const recording = { changes: [{ path, kind, ...what, ...(kind !== 'removed' && { file }) }] };
  expect(failed(inspection('2'), recording)).toEqual([check]);
});

const directory = { ...file, type: 'directory' } as const;

test.each([
  ['the mode of a file of a person', '/root/.ssh/authorized_keys', ['mode'], file],
  ['the owner of a home', '/home/anna', ['owner'], directory],
  ['the mode of the home of root', '/root', ['mode'], directory],
  ['attributes', '/srv/www', ['attributes'], directory],
  ['a directory where a file was', '/home/anna/notes', ['type', 'mode'], directory],
  ['the owner of a directory of the site', '/usr/local/bin', ['owner'], directory],
] as const)('%s: a change does not pass', (_, path, what, now) => {
  const recording: Recording = { changes: [{ path, kind: 'changed', what: [...what], file: now }] };
  expect(failed(inspection('2'), recording)).toEqual(['data']);
});

test.each([
  ['times', { path: '/root', kind: 'changed', what: ['times'], file: directory }],
  ['a new directory', { path: '/usr/local/lib/python3.11', kind: 'added', file: directory }],
  [
    'the mode of a directory below /usr/local',
    { path: '/usr/local/lib', kind: 'changed', what: ['mode'], file: directory },
  ],
] as const)('%s: what packages do in passing is no change of data', (_, change) =>
  expect(failed(inspection('2'), { changes: [change] })).toEqual([]),
);

test('a package built for all where it was built for one architecture replaces its entry', () => {
  const after = { ...inspection('2'), packages: [{ ...perl, version: '2', architecture: 'all' }] };
  expect(failed(after, nothing, plan({ architecture: 'all' }))).toEqual([]);
});
