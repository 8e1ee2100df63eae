import { describe, expect, test } from 'vitest';
import type { Gap } from '../../lib/gap.ts';
import { findRoot } from '../find-root.ts';
import { type FixtureEntry, type FixtureFiles, memoryFilesystem } from '../fixtures/memory-filesystem.ts';
import { type FixtureVolume, memoryImage } from '../fixtures/memory-image.ts';
import { windowsFiles } from '../fixtures/windows-files.ts';
import { mountGuest } from '../mount-guest.ts';
import { readGuest } from '../read-guest.ts';

const uuids = ['a', 'b', 'c'].map((letter) => `11111111-2222-4333-8444-55555555555${letter}`);
const [uuidA = '', uuidB = '', uuidC = ''] = uuids;

/** A system that names itself in its fstab, so that two of them are not told apart by that. */
function system(uuid: string, files: FixtureFiles = {}): FixtureVolume {
  const own = { 'etc/os-release': 'ID=x\n', 'etc/fstab': `UUID=${uuid} / ext4\n`, 'usr/x': '' };
  return { filesystem: memoryFilesystem({ ...own, ...files }, { uuid }) };
}
const volume = (files: FixtureFiles, uuid = uuidC): FixtureVolume => ({
  filesystem: memoryFilesystem(files, { uuid }),
});
const grub = (uuid: string) => `set default=0\nmenuentry 'x' {\n linux /vmlinuz-1 root=UUID=${uuid} ro\n}\n`;
const entry = (uuid: string) => `title x\nlinux /x\noptions quiet root=UUID=${uuid} rw\n`;

function choose(...fixtures: readonly FixtureVolume[]) {
  const gaps: Gap[] = [];
  const { volumes } = memoryImage(fixtures);
  const root = findRoot(volumes, gaps);
  return {
    root: root?.volume.name,
    deployment: root?.deployment,
    gaps,
    places: gaps.map(({ where }) => where),
  };
}
const undecided = { root: undefined, places: ['partition 1', 'partition 2'] };

describe('of two systems GRUB starts', () => {
  test.each([
    ['the one of its default entry', uuidB, 'partition 2', 'partition 1'],
    ['or the other', uuidA, 'partition 1', 'partition 2'],
  ])('%s', (_, uuid, root, left) => {
    const found = choose(system(uuidA), system(uuidB), volume({ 'grub/grub.cfg': grub(uuid) }));
    expect(found).toMatchObject({ root, places: [left] });
  });

  test('with both menus for the same root', () => {
    const files = { 'boot/grub/grub.cfg': grub(uuidB) };
    expect(choose(system(uuidA, files), system(uuidB, files)).root).toBe('partition 2');
  });

  test('none that is known when each has a menu for itself', () => {
    const a = system(uuidA, { 'boot/grub/grub.cfg': grub(uuidA) });
    const b = system(uuidB, { 'boot/grub2/grub.cfg': grub(uuidB) });
    expect(choose(a, b)).toMatchObject(undecided);
  });

  test('the one whose menu the EFI system partition leads to', () => {
    const a = system(uuidA, { 'boot/grub/grub.cfg': grub(uuidA) });
    const b = system(uuidB, { 'boot/grub/grub.cfg': grub(uuidB) });
    const stub = (text: string) => volume({ 'EFI/debian/grub.cfg': text });
    expect(choose(a, b, stub(`search.fs_uuid ${uuidB} root hd0,gpt2\n`)).root).toBe('partition 2');
    expect(choose(a, b, stub(`search --no-floppy --fs-uuid --set=dev ${uuidA}\n`)).root).toBe('partition 1');
    expect(choose(a, b, stub('normal\n'))).toMatchObject(undecided);
  });

  test.each([
    [
      'another disk',
      `set default=0\nmenuentry 'x' { linux /x root=UUID=99999999-2222-4333-8444-555555555555 }\n`,
    ],
    ['something else than a Linux', "menuentry 'Windows' { chainloader /bootmgfw.efi }\n"],
    ['nothing', ''],
  ])('neither, but %s', (_, menu) => {
    expect(choose(system(uuidA), system(uuidB), volume({ 'grub/grub.cfg': menu }))).toMatchObject(undecided);
  });

  test('what its entries in files of their own say', () => {
    const boot = {
      'grub2/grub.cfg': 'blscfg\n',
      'loader/entries/x-6.9.conf': entry(uuidA),
      'loader/entries/x-6.10.conf': entry(uuidB),
    };
    expect(choose(system(uuidA), system(uuidB), volume(boot)).root).toBe('partition 2');
    const saved = { ...boot, 'grub2/grubenv': '# GRUB Environment Block\nsaved_entry=x-6.9\n' };
    expect(choose(system(uuidA), system(uuidB), volume(saved)).root).toBe('partition 1');
  });
});

describe('of two systems systemd-boot starts', () => {
  const menu = (conf: string) =>
    volume({
      'loader/loader.conf': conf,
      'loader/entries/a-1+3.conf': entry(uuidA),
      'loader/entries/b-1.conf': entry(uuidB),
    });
  test.each([
    ['the one of its pattern', 'timeout 3\ndefault a-*\n', 'partition 1'],
    ['the one that it names, whatever its tries', 'default a-1.conf\n', 'partition 1'],
    ['the one that it names', 'default b-1.conf\n', 'partition 2'],
    ['none of both without a name', 'timeout 3\n', undefined],
  ])('%s', (_, conf, root) => {
    expect(choose(system(uuidA), system(uuidB), menu(conf)).root).toBe(root);
  });
});

describe('of two slots', () => {
  const slot = (priority: number, tries: number, successful: number) =>
    (BigInt(priority) << 48n) | (BigInt(tries) << 52n) | (BigInt(successful) << 56n);
  const kernel = (attributes: bigint) => ({ type: 'fe3a2a5d-4f32-41a7-b725-accc3285a309', attributes });
  const root = () => ({ ...system('', { 'etc/fstab': '' }), type: '3cb8e202-3b7e-47dd-8a3c-7ff2a13cfcec' });

  test.each([
    ['the higher priority', slot(1, 0, 1), slot(2, 0, 1), 'partition 4'],
    ['the one that works', slot(1, 0, 1), slot(2, 0, 0), 'partition 2'],
    ['the one with tries left', slot(1, 0, 1), slot(2, 3, 0), 'partition 4'],
    ['neither of equals', slot(1, 0, 1), slot(1, 0, 1), undefined],
    ['neither without any', 0n, 0n, undefined],
  ])('%s is the root', (_, a, b, chosen) => {
    expect(choose(kernel(a), root(), kernel(b), root()).root).toBe(chosen);
  });

  test('that hold /usr, the one whose turn it is gets mounted', () => {
    const usr = (name: string, attributes: bigint, partitionUuid: string) => ({
      ...volume({ 'lib/os-release': `ID=flatcar\nPRETTY_NAME="Flatcar ${name}"\n` }),
      type: '5dfbf5f4-2848-4bac-aa5e-0d9a20b745a6',
      attributes,
      partitionUuid,
    });
    const a = usr('A', slot(1, 0, 1), 'aaaa');
    const b = usr('B', slot(2, 1, 0), 'bbbb');
    const files = { 'etc/os-release': { link: '../usr/lib/os-release' }, 'usr/x': '' };
    const image = memoryImage([a, b, volume(files, uuidA)]);
    const found = findRoot(image.volumes, []);
    const { mounts } = mountGuest(found as NonNullable<typeof found>, image.volumes, []);
    expect(mounts.map((mount) => [mount.path, mount.volume.name])).toEqual([
      ['/', 'partition 3'],
      ['/usr', 'partition 2'],
    ]);
    expect(
      readGuest(image)
        .gaps.map(({ detail }) => detail)
        .join(),
    ).toContain('Flatcar B');
    const fresh = readGuest(memoryImage([a, volume({ 'lost+found/x': '' }, uuidA)]));
    expect(fresh.gaps).toMatchObject([
      { where: 'partition 1', reason: 'unsupported', detail: expect.stringContaining('Flatcar A') },
      { where: 'image' },
    ]);
  });
});

describe('deployments of ostree', () => {
  const [one, two] = ['1', '2'].map(
    (digit) => `ostree/deploy/fedora-coreos/deploy/${digit.repeat(64)}.0`,
  ) as [string, string];
  const deployed = (...paths: readonly string[]): FixtureFiles =>
    Object.fromEntries<FixtureEntry>(
      paths.flatMap((path, index): [string, FixtureEntry][] => [
        [`${path}/usr/lib/os-release`, `ID=fedora\nPRETTY_NAME="Fedora CoreOS ${index}"\n`],
        [`${path}/etc/os-release`, { link: '../usr/lib/os-release' }],
        [`ostree/boot.1/fedora-coreos/${index}/0`, { link: `../../../../${path}` }],
      ]),
    );
  const option = (index: number) =>
    `options root=UUID=${uuidA} ostree=/ostree/boot.1/fedora-coreos/${index}/0\n`;

  test('a single one is the root, with a gap', () => {
    const image = memoryImage([volume(deployed(one), uuidA)]);
    const { tree, guest, gaps } = readGuest(image);
    expect(tree?.readText('/etc/os-release')).toContain('Fedora CoreOS 0');
    expect(guest).toBeUndefined();
    expect(gaps).toContainEqual(
      expect.objectContaining({ where: `partition 1, /${one}`, reason: 'unsupported' }),
    );
  });

  test('of two the boot menu tells which is started', () => {
    const boot = volume({
      'grub2/grub.cfg': 'blscfg\n',
      'loader/entries/ostree-1-fedora-coreos.conf': option(0),
      'loader/entries/ostree-2-fedora-coreos.conf': option(1),
    });
    expect(choose(volume(deployed(one, two), uuidA), boot).deployment).toBe(`/${two}`);
  });

  test('of two without a boot menu none is chosen', () => {
    const { root, places } = choose(volume(deployed(one, two), uuidA));
    expect(root).toBeUndefined();
    expect(places).toEqual([`partition 1, /${one}`, `partition 1, /${two}`]);
  });
});

test('a Windows beside a Linux, of which GRUB starts the Linux', () => {
  const linux = system(uuidB, { 'etc/fstab': '', 'boot/grub/grub.cfg': grub(uuidB) });
  expect(choose({ filesystem: memoryFilesystem(windowsFiles()) }, linux)).toMatchObject({
    root: 'partition 2',
    places: ['partition 1'],
  });
});
