import { expect, test } from 'vitest';
import { parseDomainDisks } from './parse-domain-disks.ts';
import { parsePool } from './parse-pool.ts';

const refuse = (found: string): Error => new Error(found);
const domain = (disks: string): string =>
  `<domain type='kvm'><name>web &amp; mail</name><metadata><x:a xmlns:x='u:x'><domain/></x:a></metadata><devices>${disks}</devices></domain>`;

test('disks that are files and volumes are found, and nothing else is', () => {
  const found = parseDomainDisks(
    domain(`
      <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/i/a&amp;b.raw'/></disk>
      <disk device='cdrom'><source file='/i/cd.iso'/></disk>
      <disk type='file' device='cdrom'/>
      <disk type='volume' device='disk'><driver type='qcow2'/><source pool='p' volume='v.qcow2'/></disk>
      <disk type='volume'><source pool='p' volume='../v.qcow2'/></disk>
      <disk type='file'><source file='relative'/></disk>
      <disk type='block'><source dev='/dev/sda'/></disk>
      <disk type='network'><source protocol='nbd' name='x'/></disk>`),
    refuse,
  );
  expect(found).toEqual({
    name: 'web & mail',
    disks: [
      { place: { kind: 'file', path: '/i/a&b.raw' }, format: 'raw', isDisk: true },
      { place: { kind: 'file', path: '/i/cd.iso' }, format: undefined, isDisk: false },
      { place: { kind: 'volume', pool: 'p', volume: 'v.qcow2' }, format: 'qcow2', isDisk: true },
    ],
  });
});

test('a pool has a name, a type and a folder', () => {
  const xml = "<pool type='dir'><name>vms</name><target><path>/srv/a&lt;b</path></target></pool>";
  expect(parsePool(xml, refuse)).toEqual({ name: 'vms', type: 'dir', path: '/srv/a<b' });
  expect(parsePool("<pool type='rbd'><name>ceph</name></pool>", refuse)).toMatchObject({ path: '' });
});

test.each([
  ['another document', '<pool/>'],
  ['no XML', '<domain>'],
  ['nothing', ''],
  ['an entity of its own', `<!DOCTYPE d [<!ENTITY x "y">]>${domain('&x;')}`],
  ['too much depth', '<domain>'.repeat(100)],
  ['too much', ' '.repeat(5_000_000)],
])('%s is refused', (_, xml) => {
  expect(() => parseDomainDisks(xml, refuse)).toThrow(/description/);
});
