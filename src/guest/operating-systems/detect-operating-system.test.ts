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

test('no name, or an endless one, is a gap', () => {
  expect(detect(evidence).gaps).toMatchObject([{ reason: 'missing' }]);
  expect(detect({ 'etc/os-release': { sparse: 1n << 40n } }).gaps[0]).toMatchObject({ reason: 'limit' });
});

test('each family answers no for the names of the others', () => {
  const tree = memoryTree(evidence);
  for (const family of operatingSystems) {
    for (const other of operatingSystems.filter(({ id }) => id !== family.id)) {
      const release = { id: other.id, versionId: '1', versionCodename: '', prettyName: '' };
      expect(family.detect(tree, release)).toEqual({ answer: 'no' });
    }
  }
});
