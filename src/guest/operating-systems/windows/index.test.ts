import { describe, expect, test } from 'vitest';
import type { Gap } from '../../../lib/gap.ts';
import { type FixtureFiles, memoryFilesystem } from '../../fixtures/memory-filesystem.ts';
import { memoryImage } from '../../fixtures/memory-image.ts';
import {
  servicingPackage,
  shutdownAt,
  updatedAt,
  type WindowsFixture,
  windowsFiles,
} from '../../fixtures/windows-files.ts';
import { inspectImage } from '../../inspect-image.ts';
import { packageUrl } from '../../sbom/package-url.ts';
import { writeHive } from '../../windows/fixtures/write-hive.ts';
import { writeHiveLog } from '../../windows/fixtures/write-hive-log.ts';

function inspect(files: FixtureFiles, ...others: readonly FixtureFiles[]) {
  return inspectImage(memoryImage([files, ...others].map((it) => ({ filesystem: memoryFilesystem(it) }))));
}
const windows = (fixture: WindowsFixture = {}) => inspect(windowsFiles(fixture));

test('a Windows 10', () => {
  const inspection = windows();
  expect(inspection.operatingSystem).toEqual({
    id: 'windows',
    versionId: '10.0.19045.3693',
    versionCodename: '22H2',
    prettyName: 'Windows 10 Pro',
    architecture: 'amd64',
    edition: 'Professional',
    installedAt: '2022-05-01T00:00:00.000Z',
  });
  expect(inspection.identity).toEqual({
    hostName: 'DESKTOP-1',
    machineId: '0f8fad5b-d9cb-469f-a165-70867728950e',
    hostKeys: [],
  });
  expect(inspection.state).toEqual({
    clean: true,
    hibernated: false,
    brokenPackages: [],
    lastBootAt: null,
    lastShutdownAt: shutdownAt,
    lastPackageChangeAt: updatedAt,
    pendingOfflineUpdate: false,
  });
  expect(inspection.layout.volumes).toMatchObject([{ mountPoint: '/' }]);
  expect(inspection.gaps).toEqual([]);
});

test('its updates and programs', () => {
  const { packages, operatingSystem } = windows();
  expect(
    packages.map(({ manager, name, version, architecture }) => [manager, name, version, architecture]),
  ).toEqual([
    ['windows-update', 'KB5031356', '19041.3570.1.8', 'amd64'],
    ['windows-update', 'KB5011048', '10.0.10166.1', 'amd64'],
    ['windows-update', 'RollupFix', '19041.3693.1.3', 'amd64'],
    ['windows-uninstall', 'Mozilla Firefox (x64 en-US)', '119.0.1', 'amd64'],
    ['windows-uninstall', '7-Zip 22.01', '22.01', 'x86'],
    ['windows-uninstall', 'Visual Studio Code (User)', '1.84.2', 'amd64'],
  ]);
  expect(packages.map((entry) => packageUrl(entry, operatingSystem))).toContain(
    'pkg:generic/windows/KB5031356@19041.3570.1.8?arch=amd64&distro=windows-10.0.19045.3693',
  );
});

describe('its version', () => {
  const system = (values: Record<string, string | number>) =>
    windows({ version: { values } }).operatingSystem;
  test.each([
    ['of Windows 11', { ProductName: 'Windows 10 Home', CurrentBuildNumber: '22631' }, 'Windows 11 Home'],
    [
      'of a server',
      { ProductName: 'Windows Server 2022 Standard', CurrentBuildNumber: '20348' },
      'Windows Server 2022 Standard',
    ],
    [
      'with a service pack',
      { ProductName: 'Windows 7', CSDVersion: 'Service Pack 1' },
      'Windows 7 Service Pack 1',
    ],
    ['that nothing names', {}, 'Windows'],
  ])('%s', (_, values, name) => {
    expect(system(values)?.prettyName).toBe(name);
  });

  test('before Windows 10', () => {
    expect(system({ CurrentVersion: '6.1', CurrentBuildNumber: '7601' })?.versionId).toBe('6.1.7601');
  });
});

describe('its state', () => {
  const withHibernation = (signature: string) =>
    windows({ files: { 'hiberfil.sys': Buffer.concat([Buffer.from(signature), Buffer.alloc(4092)]) } });

  test.each([
    ['HIBR', true],
    ['hibr', true],
    ['WAKE', false],
    ['wake', false],
  ])('%s in hiberfil.sys', (signature, hibernated) => {
    const { state, gaps } = withHibernation(signature);
    expect(state.hibernated).toBe(hibernated);
    expect(gaps).toEqual([]);
  });

  test('an unknown mark in hiberfil.sys is a gap', () => {
    expect(withHibernation('RSTR').gaps).toMatchObject([{ where: '/hiberfil.sys', reason: 'unsupported' }]);
  });

  test('updates that wait for a start, and some that were left half done', () => {
    const { state } = windows({
      servicing: {
        keys: {
          RebootPending: {},
          Packages: {
            keys: {
              'Package_for_KB1~x~amd64~~1.0': servicingPackage(0x60),
              'Package_1_for_KB2~x~amd64~~1.0': servicingPackage(0x65),
              'Package_2_for_KB2~x~amd64~~1.0': servicingPackage(0x65),
            },
          },
        },
      },
    });
    expect(state.pendingOfflineUpdate).toBe(true);
    expect(state.lastPackageChangeAt).toBeNull();
    expect(state.brokenPackages).toEqual([
      { name: 'KB1', architecture: 'amd64', state: 'install-pending' },
      { name: 'KB2', architecture: 'amd64', state: 'partially-installed' },
    ]);
  });

  test('packages without a state are a gap', () => {
    const { gaps } = windows({
      servicing: { keys: { Packages: { keys: { 'Package_for_KB1~x~y~~1': {} } } } },
    });
    expect(gaps).toMatchObject([{ reason: 'corrupt', detail: expect.stringContaining('1 packages') }]);
  });
});

test('names in other letters', () => {
  const files = Object.fromEntries(
    Object.entries(windowsFiles()).map(([path, entry]) => [
      path.replace('Windows/System32/config/', 'WINDOWS/system32/Config/').replace('SOFTWARE', 'software'),
      entry,
    ]),
  );
  const { operatingSystem, identity, gaps } = inspect(files);
  expect(operatingSystem?.prettyName).toBe('Windows 10 Pro');
  expect(identity?.hostName).toBe('DESKTOP-1');
  expect(gaps).toEqual([]);
});

describe('what cannot be read is a gap', () => {
  const where = '/Windows/System32/config/SOFTWARE';

  test('no hive of the settings', () => {
    const { 'Windows/System32/config/SYSTEM': _, ...files } = windowsFiles();
    const { operatingSystem, identity, gaps } = inspect(files);
    expect(operatingSystem).toMatchObject({ prettyName: 'Windows 10 Pro', architecture: '' });
    expect(identity).toEqual({ machineId: expect.any(String), hostKeys: [] });
    expect(gaps).toMatchObject([{ where: '/Windows/System32/config/SYSTEM', reason: 'missing' }]);
  });

  test('a broken hive', () => {
    const { operatingSystem, packages, gaps } = windows({
      files: { 'Windows/System32/config/SOFTWARE': Buffer.alloc(8192) },
    });
    expect(operatingSystem).toBeNull();
    expect(packages).toEqual([]);
    expect(gaps).toContainEqual(expect.objectContaining({ where, reason: 'corrupt' }));
    expect(gaps).toContainEqual(expect.objectContaining({ where: 'package database' }));
  });

  test('a hive that was not written to its end, without its log', () => {
    const hive = (name: string, sequences?: readonly [number, number]) =>
      writeHive(
        {
          keys: {
            Microsoft: {
              keys: { 'Windows NT': { keys: { CurrentVersion: { values: { ProductName: name } } } } },
            },
          },
        },
        sequences && { sequences },
      );
    const before = hive('Windows 8', [8, 7]);
    const after = hive('Windows 9');
    const unfinished = { 'Windows/System32/config/SOFTWARE': before };
    const without = windows({ files: unfinished });
    expect(without.operatingSystem?.prettyName).toBe('Windows 8');
    expect(without.gaps).toContainEqual(expect.objectContaining({ where, reason: 'unclean' }));
    const log = writeHiveLog([{ sequence: 7, before, after }]);
    const completed = windows({
      files: { ...unfinished, 'Windows/System32/config/software.log1': log },
    });
    expect(completed.operatingSystem?.prettyName).toBe('Windows 9');
    expect(completed.gaps).toEqual([]);
  });

  test('control sets of which the selected one is missing', () => {
    const { 'Windows/System32/config/SYSTEM': _, ...files } = windowsFiles();
    const system = writeHive({ keys: { Select: { values: { Current: 3 } } } });
    expect(inspect({ ...files, 'Windows/System32/config/SYSTEM': system }).gaps).toMatchObject([
      { where: 'SYSTEM\\ControlSet003', reason: 'missing' },
    ]);
  });
});

test('beside a Linux that names itself, it is a gap', () => {
  const uuid = '11111111-2222-4333-8444-555555555555';
  const linux = memoryFilesystem(
    { 'etc/os-release': 'ID=debian\n', 'etc/fstab': `UUID=${uuid} / ext4\n`, 'usr/x': '' },
    { uuid },
  );
  const { operatingSystem, gaps } = inspectImage(
    memoryImage([{ filesystem: memoryFilesystem(windowsFiles()) }, { filesystem: linux }]),
  );
  expect(operatingSystem).toBeNull();
  expect(gaps).toContainEqual(expect.objectContaining({ where: 'partition 1', reason: 'unsupported' }));
});

test('every hive broken at any place leaves gaps and throws nothing', () => {
  const files = windowsFiles();
  const gaps: Gap[] = [];
  for (const path of [
    'Windows/System32/config/SOFTWARE',
    'Windows/System32/config/SYSTEM',
    'Users/ada/NTUSER.DAT',
  ]) {
    const whole = files[path] as Buffer;
    const used = [...whole.keys()].filter((at) => at >= 4096 && whole[at] !== 0);
    for (let index = 0; index < used.length; index += 97) {
      const broken = Buffer.from(whole);
      broken.writeUInt8(0xff, used[index]);
      gaps.push(...inspect({ ...files, [path]: broken }).gaps);
    }
  }
  expect(gaps.length).toBeGreaterThan(0);
});
