import { expect, test } from 'vitest';
import { filesOfDomain, parseDomain } from './parse-domain.ts';

const domain = (devices: string, os = ''): string =>
  `<domain type='kvm'><name>web</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid><os>${os}</os><devices>${devices}</devices></domain>`;
const disk =
  "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/i/a&amp;b.qcow2'/><target dev='vda'/></disk>";

test('finds disks, UEFI variables and the TPM', () => {
  const iso =
    "<disk type='file' device='cdrom'><source file='/i/cd.iso'/><target dev='sda'/><readonly/></disk>";
  const empty = "<disk type='file' device='cdrom'><target dev='sdb'/><readonly/></disk>";
  const tpm =
    "<tpm model='tpm-crb'><backend type='emulator' version='2.0'><encryption secret='x'/></backend></tpm>";
  const nvram = "<nvram template='/t.fd'>/n/web.fd</nvram>";
  expect(parseDomain(domain(`${disk}${iso}${empty}${tpm}`, nvram))).toEqual({
    name: 'web',
    uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f',
    disks: [{ path: '/i/a&b.qcow2', format: 'qcow2' }],
    nvram: '/n/web.fd',
    boot: { machineType: 'pc', firmwareCode: null, diskBus: 'virtio', vtpmModel: 'tpm-crb' },
    tpm: { version: '2.0', path: undefined, encrypted: true },
  });
  const newer = "<nvram type='file'><source file='/n/new.fd'/></nvram>";
  expect(parseDomain(domain(disk, newer))).toMatchObject({ nvram: '/n/new.fd', tpm: undefined });
});

test('finds how it is started', () => {
  const os =
    "<type arch='x86_64' machine='pc-q35-7.2'>hvm</type><loader readonly='yes' secure='yes' type='pflash'>/f/code.fd</loader>";
  const cd = "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>";
  const sata = disk.replace("dev='vda'", "dev='sdb' bus='scsi'");
  expect(parseDomain(domain(`${cd}${sata}`, os)).boot).toEqual({
    machineType: 'q35',
    firmwareCode: '/f/code.fd',
    diskBus: 'scsi',
    vtpmModel: 'tpm-tis',
  });
});

test.each([
  [
    'a block device',
    domain("<disk type='block' device='disk'><source dev='/dev/sda'/><target dev='vda'/></disk>"),
  ],
  ['a network disk', domain("<disk type='network' device='disk'><target dev='vda'/></disk>")],
  ['a transient disk', domain(disk.replace('</disk>', '<transient/></disk>'))],
  ['a TPM of the host', domain("<tpm model='tpm-tis'><backend type='passthrough'/></tpm>")],
  ['two TPMs', domain('<tpm/><tpm/>')],
  ['another document', '<network/>'],
  ['no XML', '<domain><name>'],
  ['nothing', ''],
  ['an entity of its own', `<!DOCTYPE d [<!ENTITY x "y">]>${domain('&x;')}`],
  ['too much depth', '<a>'.repeat(100)],
])('%s is refused', (_, xml) => {
  expect(() => parseDomain(xml)).toThrow(expect.objectContaining({ code: 'machine_unsupported' }));
});

test('names every file of a domain, also of one that cannot be a machine', () => {
  const network = "<disk type='network' device='disk'><target dev='vdb'/></disk>";
  expect(filesOfDomain(domain(`${network}${disk}`, '<nvram>/n/web.fd</nvram>'))).toEqual([
    '/n/web.fd',
    '/i/a&b.qcow2',
    '/var/lib/libvirt/swtpm/6695eb01-f6a4-8304-79aa-97f2502e193f/tpm2',
  ]);
  expect(() => filesOfDomain('<network/>')).toThrow(expect.objectContaining({ code: 'machine_unsupported' }));
});
