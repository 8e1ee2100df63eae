import { expect, test } from 'vitest';
import type { Gap } from '../../lib/gap.ts';
import { type FixtureFiles, memoryTree } from '../fixtures/memory-filesystem.ts';
import { detectOperatingSystem } from './detect-operating-system.ts';
import { operatingSystems } from './registry.ts';

function detect(files: FixtureFiles) {
  const gaps: Gap[] = [];
  return { system: detectOperatingSystem(memoryTree(files), gaps), gaps };
}

const bookworm =
  'PRETTY_NAME="Debian GNU/Linux 12 (\\"bookworm\\")"\nNAME="Debian"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n';
const evidence = { 'etc/debian_version': '12.1\n', 'var/lib/dpkg/status': 'Package: a\n' };

test('Debian', () => {
  const { system, gaps } = detect({
    'usr/lib/os-release': bookworm,
    'etc/os-release': { link: '../usr/lib/os-release' },
    ...evidence,
  });
  expect(system?.family.id).toBe('debian');
  expect(system?.release).toEqual({
    id: 'debian',
    idLike: [],
    versionId: '12',
    versionCodename: 'bookworm',
    prettyName: 'Debian GNU/Linux 12 ("bookworm")',
  });
  expect(gaps).toEqual([]);
});

test('Ubuntu, and a code name from long ago', () => {
  const { system } = detect({
    'etc/os-release': "ID=ubuntu\nVERSION_ID='14.04'\nVERSION='14.04.6 LTS (trusty)'\n",
    ...evidence,
  });
  expect(system?.family.id).toBe('ubuntu');
  expect(system?.release.versionCodename).toBe('trusty');
});

test('a derivative is not taken for Debian', () => {
  const { system, gaps } = detect({ 'etc/os-release': 'ID=kali\nID_LIKE=debian\n', ...evidence });
  expect(system).toBeUndefined();
  expect(gaps).toMatchObject([{ where: 'operating system', reason: 'unsupported' }]);
});

test('a name that the files do not bear out is a gap', () => {
  const { system, gaps } = detect({ 'etc/os-release': bookworm });
  expect(system).toBeUndefined();
  expect(gaps).toMatchObject([{ reason: 'corrupt' }]);
  expect(gaps[0]?.detail).toContain('no records of dpkg');
});

test.each([
  ['rocky', 'rhel centos fedora', 'redhat', 'var/lib/rpm/rpmdb.sqlite'],
  ['amzn', 'fedora', 'redhat', 'var/lib/rpm/Packages'],
  ['eurolinux', 'rhel fedora', 'redhat', 'usr/share/rpm/Packages'],
  ['opensuse-leap', 'suse opensuse', 'suse', 'usr/lib/sysimage/rpm/Packages.db'],
  ['sles', 'suse', 'suse', 'var/lib/rpm/Packages'],
  ['alpine', '', 'alpine', 'lib/apk/db/installed'],
  ['arch', '', 'arch', 'var/lib/pacman/local/ALPM_DB_VERSION'],
  ['manjaro', 'arch', 'arch', 'var/lib/pacman/local/ALPM_DB_VERSION'],
])('%s, which is like "%s", is of the family %s', (id, like, family, records) => {
  const release = `ID="${id}"\nID_LIKE="${like}"\nVERSION_ID="9.4"\n`;
  const { system, gaps } = detect({ 'etc/os-release': release, [records]: 'x' });
  expect(system).toMatchObject({ family: { id: family }, release: { id, versionId: '9.4' } });
  expect(gaps).toEqual([]);
  expect(detect({ 'etc/os-release': release }).gaps).toMatchObject([
    { reason: 'corrupt', detail: expect.stringContaining(`${id}, but there are no records`) },
  ]);
});

test.each([
  ['redhat-release', 'CentOS release 6.10 (Final)\n', 'redhat', 'centos', '6.10', 'Final'],
  [
    'redhat-release',
    'Red Hat Enterprise Linux Server release 6.10 (Santiago)',
    'redhat',
    'rhel',
    '6.10',
    'Santiago',
  ],
  ['redhat-release', 'Scientific Linux release 6.10 (Carbon)\n', 'redhat', 'scientific', '6.10', 'Carbon'],
  ['oracle-release', 'Oracle Linux Server release 6.10\n', 'redhat', 'ol', '6.10', ''],
  ['system-release', 'Amazon Linux AMI release 2014.03\n', 'redhat', 'amzn', '2014.03', ''],
  [
    'SuSE-release',
    'SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 4\n',
    'suse',
    'sles',
    '11.4',
    '',
  ],
  [
    'SuSE-release',
    'openSUSE 13.1 (x86_64)\nVERSION = 13.1\nCODENAME = Bottle\n',
    'suse',
    'opensuse',
    '13.1',
    '',
  ],
])('%s of the years before os-release: %j', (file, text, family, id, versionId, versionCodename) => {
  const { system, gaps } = detect({
    'etc/redhat-release': 'Red Hat Enterprise Linux Server release 6.10\n',
    [`etc/${file}`]: text,
    ...(file !== 'redhat-release' && file !== 'oracle-release' && { 'etc/redhat-release': 'Unheard-of\n' }),
    'var/lib/rpm/Packages': 'x',
  });
  expect(system).toMatchObject({ family: { id: family }, release: { id, versionId, versionCodename } });
  expect(gaps).toEqual([]);
});

test.each([
  ['rhel', 'redhat-release-server', 'centos-release'],
  ['centos', 'centos-stream-release', 'redhat-release'],
  ['rocky', 'rocky-release', 'rocky-repos'],
  ['almalinux', 'almalinux-release', 'epel-release'],
  ['amzn', 'system-release', 'amazon-linux-extras'],
  ['fedora', 'fedora-release-common', 'system-release'],
  ['eurolinux', 'el-release', 'el-repos'],
  ['opensuse-leap', 'Leap-release', 'sles-release'],
  ['sles', 'SLES_SAP-release', 'aaa_base'],
  ['alpine', 'alpine-baselayout', 'musl'],
  ['postmarketos', 'alpine-baselayout', 'busybox'],
  ['arch', 'pacman', 'pacman-mirrorlist'],
])('%s is borne out by %s, and not by %s', (id, right, wrong) => {
  const like = { eurolinux: ['rhel'], postmarketos: ['alpine'] }[id] ?? [];
  const release = { id, idLike: like, versionId: '1', versionCodename: '', prettyName: '' };
  const tree = memoryTree({
    'var/lib/rpm/Packages': '',
    'lib/apk/db/installed': '',
    'var/lib/pacman/local/x/desc': '',
  });
  const family = operatingSystems.find((candidate) => candidate.detect(tree, release).answer === 'yes');
  const wanted = family?.releasePackage?.(release);
  expect([wanted?.test(right), wanted?.test(wrong)]).toEqual([true, false]);
});

test('no name, or an endless one, is a gap', () => {
  expect(detect(evidence).gaps).toMatchObject([{ reason: 'missing' }]);
  expect(detect({ 'etc/os-release': { sparse: 1n << 40n } }).gaps[0]).toMatchObject({ reason: 'limit' });
});

const names = {
  debian: 'debian',
  ubuntu: 'ubuntu',
  redhat: 'rhel',
  suse: 'sles',
  alpine: 'alpine',
  arch: 'arch',
  windows: 'windows',
} as const;

test('each family answers no for the names of the others', () => {
  const tree = memoryTree(evidence);
  for (const family of operatingSystems) {
    for (const other of operatingSystems.filter(({ id }) => id !== family.id)) {
      const release = {
        id: names[other.id],
        idLike: [],
        versionId: '1',
        versionCodename: '',
        prettyName: '',
      };
      expect(family.detect(tree, release)).toEqual({ answer: 'no' });
    }
  }
});
