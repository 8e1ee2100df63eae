import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openImage, type OpenImageOptions } from './open-image.ts';
import type { OpenedImage } from './types.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-open-image-'));
const partitionStart = 32_768;
const path = (name: string): string => join(folder, name);

beforeAll(() => {
  const filesystem = path('filesystem');
  mkdirSync(path('tree'));
  writeFileSync(join(path('tree'), 'hello'), 'hello');
  run('mke2fs', '-q', '-F', '-t', 'ext4', '-b', '1024', '-d', path('tree'), filesystem, '2M');
  writeFileSync(path('disk'), '');
  truncateSync(path('disk'), 4 * 1024 * 1024);
  execFileSync('sfdisk', ['-q', path('disk')], {
    input: 'label: dos\nstart=64, size=4096, type=83\nstart=4224, size=256, type=82\n',
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  put('disk', partitionStart, readFileSync(filesystem));
  run('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', path('disk'), path('disk.qcow2'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(program: string, ...parameters: readonly string[]): void {
  execFileSync(program, parameters, { stdio: 'pipe' });
}

function put(name: string, offset: number, bytes: Uint8Array): void {
  const descriptor = openSync(path(name), 'r+');
  writeSync(descriptor, bytes, 0, bytes.length, offset);
  closeSync(descriptor);
}

function overlay(name: string, below: string): void {
  run('qemu-img', 'create', '-q', '-f', 'qcow2', '-b', below, '-F', 'qcow2', '-u', path(name), '4M');
}

function blank(name: string, bytes: number): string {
  writeFileSync(path(name), '');
  truncateSync(path(name), bytes);
  return path(name);
}

function opened<Result>(options: OpenImageOptions, look: (image: OpenedImage) => Result): Result {
  const image = openImage(options);
  try {
    return look(image);
  } finally {
    image.close();
  }
}

function expectRefused(options: OpenImageOptions, code: string): void {
  expect(() => openImage(options)).toThrow(expect.objectContaining({ code }));
}

for (const name of ['disk', 'disk.qcow2']) {
  test(`opens ${name} down to its filesystem`, () => {
    opened({ path: path(name) }, (image) => {
      expect(image.chain).toMatchObject([
        { path: path(name), header: { format: name === 'disk' ? 'raw' : 'qcow2' } },
      ]);
      expect(image.partitionTable).toMatchObject({ id: 'mbr' });
      expect(image.volumes).toMatchObject([
        { name: 'partition 1', start: 32_768n, content: { format: 'ext4' } },
        { name: 'partition 2' },
      ]);
      const filesystem = image.volumes[0]?.filesystem;
      expect(filesystem?.readDirectory(filesystem.rootInode).map((entry) => entry.name)).toContain('hello');
      expect(image.gaps).toEqual([
        {
          where: 'partition 2',
          reason: 'unsupported',
          detail: 'Partition 2 holds nothing that coldpatch knows; it was not read.',
        },
      ]);
    });
  });
}

test('opens a filesystem that covers the whole disk', () => {
  opened({ path: path('filesystem') }, (image) => {
    expect(image.partitionTable).toBeUndefined();
    expect(image.volumes).toMatchObject([{ name: 'disk', start: 0n, content: { format: 'ext4' } }]);
    expect(image.gaps).toEqual([]);
  });
});

test('opens an EFI system partition, and a FAT that covers the whole disk', () => {
  const efi = blank('efi', 2 * 1024 * 1024);
  run('mkfs.fat', '-i', 'ABCD1234', efi);
  run('mmd', '-i', efi, '::EFI', '::EFI/BOOT');
  opened({ path: efi }, (image) => {
    expect(image.partitionTable).toBeUndefined();
    expect(image.volumes).toMatchObject([{ name: 'disk', content: { format: 'fat', uuid: 'ABCD-1234' } }]);
    expect(image.gaps).toEqual([]);
  });
  const disk = blank('with-efi', 4 * 1024 * 1024);
  execFileSync('sfdisk', ['-q', disk], {
    input: 'label: gpt\nstart=2048, size=4096, type=uefi\n',
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  put('with-efi', 2048 * 512, readFileSync(efi));
  opened({ path: disk }, (image) => {
    expect(image.volumes).toMatchObject([{ name: 'partition 1', content: { format: 'fat' } }]);
    expect(image.gaps).toEqual([]);
    const filesystem = image.volumes[0]?.filesystem;
    expect(filesystem?.readDirectory(filesystem.rootInode).map(({ name }) => name)).toEqual(['EFI']);
  });
});

test('opens a chain of declared files, and no other', () => {
  overlay('middle.qcow2', 'disk.qcow2');
  overlay('top.qcow2', path('middle.qcow2'));
  const backing = [{ path: path('middle.qcow2') }, { path: path('disk.qcow2') }];
  opened({ path: path('top.qcow2'), backing }, (image) => {
    expect(image.chain.map((member) => member.path)).toEqual([
      path('top.qcow2'),
      path('middle.qcow2'),
      path('disk.qcow2'),
    ]);
    expect(image.volumes[0]?.content?.format).toBe('ext4');
  });
  expectRefused({ path: path('top.qcow2') }, 'backing_file_undeclared');
  expectRefused({ path: path('top.qcow2'), backing: backing.slice(0, 1) }, 'backing_file_undeclared');
  expectRefused({ path: path('top.qcow2'), backing: backing.toReversed() }, 'backing_file_undeclared');
  expectRefused({ path: path('top.qcow2'), backing: [...backing, { path: path('disk') }] }, 'usage');
  expectRefused({ path: path('disk'), backing: [{ path: path('disk.qcow2') }] }, 'usage');
});

test('refuses backing files that are named by a protocol', () => {
  for (const named of ['json:{"driver":"raw","file.filename":"/etc/passwd"}', 'nbd://host.example/disk']) {
    run(
      'qemu-img',
      'create',
      '-q',
      '-f',
      'qcow2',
      '-u',
      '-b',
      named,
      '-F',
      'raw',
      path('hostile.qcow2'),
      '1M',
    );
    expectRefused({ path: path('hostile.qcow2') }, 'backing_file_undeclared');
    expectRefused(
      { path: path('hostile.qcow2'), backing: [{ path: path('disk') }] },
      'backing_file_undeclared',
    );
  }
});

test('reads a raw disk as raw when the operator says so, whatever its guest wrote there', () => {
  overlay('header.qcow2', '/etc/passwd');
  const guestMade = blank('guest-made', 4_194_304);
  put('guest-made', 0, readFileSync(path('header.qcow2')));
  expectRefused({ path: guestMade }, 'backing_file_undeclared');
  opened({ path: guestMade, format: 'raw' }, (image) => {
    expect(image.chain[0]?.header.format).toBe('raw');
  });
  expectRefused({ path: path('disk'), format: 'qcow2' }, 'image_corrupt');
});

test('reads a disk in several files out of the declared ones, and opens no other', () => {
  const options = ['-o', 'subformat=monolithicFlat'];
  run('qemu-img', 'convert', '-f', 'raw', '-O', 'vmdk', ...options, path('disk'), path('several.vmdk'));
  const descriptor = path('several.vmdk');
  const extent = path('several-flat.vmdk');
  expect(() => openImage({ path: descriptor })).toThrow(
    expect.objectContaining({
      code: 'extent_undeclared',
      message: expect.stringMatching(/"several-flat\.vmdk".*--extent/),
    }),
  );
  opened({ path: descriptor, extents: [extent] }, (image) => {
    expect(image.chain).toMatchObject([{ header: { format: 'vmdk', virtualSize: 4_194_304n } }]);
    expect(image.volumes[0]?.content?.format).toBe('ext4');
  });
  expectRefused({ path: descriptor, extents: [path('disk')] }, 'extent_undeclared');
  expectRefused({ path: descriptor, extents: [extent, join(folder, 'x', 'several-flat.vmdk')] }, 'usage');
  expectRefused({ path: descriptor, extents: [extent], disk: 1 }, 'usage');
  const text = readFileSync(descriptor, 'latin1').replace('several-flat.vmdk', '/etc/passwd');
  writeFileSync(path('hostile.vmdk'), text, 'latin1');
  expectRefused({ path: path('hostile.vmdk') }, 'extent_undeclared');
  expectRefused({ path: path('hostile.vmdk'), extents: [extent] }, 'extent_undeclared');
});

test('reads a compressed image, and a compressed backing file', () => {
  run('gzip', '-k', path('disk.qcow2'));
  opened({ path: path('disk.qcow2.gz') }, (image) => {
    expect(image.chain).toMatchObject([
      { path: path('disk.qcow2.gz'), compression: 'gzip', header: { format: 'qcow2' } },
    ]);
    expect(image.volumes[0]?.content?.format).toBe('ext4');
  });
  const below = ['-u', '-b', 'disk.qcow2.gz', '-F', 'qcow2'];
  run('qemu-img', 'create', '-q', '-f', 'qcow2', ...below, path('on-gz.qcow2'), '4M');
  opened({ path: path('on-gz.qcow2'), backing: [{ path: path('disk.qcow2.gz') }] }, (image) => {
    expect(image.chain.map(({ compression }) => compression)).toEqual([undefined, 'gzip']);
    expect(image.volumes[0]?.content?.format).toBe('ext4');
  });
  opened({ path: path('disk.qcow2.gz'), format: 'raw' }, (image) => {
    expect(image.chain[0]?.compression).toBeUndefined();
    expect(image.gaps).toHaveLength(1);
  });
  expectRefused({ path: path('disk.qcow2.gz'), scratch: { limit: 1000 } }, 'limit_exceeded');
  run('xz', '-k', path('disk.qcow2.gz'));
  expectRefused({ path: path('disk.qcow2.gz.xz') }, 'image_format_unsupported');
});

test('reads the disk of an OVA, also of a compressed one', () => {
  run(
    'qemu-img',
    'convert',
    '-f',
    'raw',
    '-O',
    'vmdk',
    '-o',
    'subformat=streamOptimized',
    path('disk'),
    path('ova.vmdk'),
  );
  const file = '<File ovf:href="ova.vmdk" ovf:id="f"/>';
  writeFileSync(path('ova.ovf'), `<Envelope>${file}<Disk ovf:diskId="d" ovf:fileRef="f"/></Envelope>`);
  run('tar', '-C', folder, '-cf', path('machine.ova'), 'ova.ovf', 'ova.vmdk');
  run('zstd', '-q', path('machine.ova'));
  for (const name of ['machine.ova', 'machine.ova.zst']) {
    opened({ path: path(name), disk: 1 }, (image) => {
      expect(image.chain).toMatchObject([{ header: { format: 'ova', properties: { diskFormat: 'vmdk' } } }]);
      expect(image.volumes[0]?.content?.format).toBe('ext4');
    });
  }
  expectRefused({ path: path('machine.ova'), disk: 2 }, 'usage');
  const inner = '<File ovf:href="machine.ova" ovf:id="f"/>';
  writeFileSync(path('ova.ovf'), `<Envelope>${inner}<Disk ovf:diskId="d" ovf:fileRef="f"/></Envelope>`);
  run('tar', '-C', folder, '-cf', path('nested.ova'), 'ova.ovf', 'machine.ova');
  expectRefused({ path: path('nested.ova') }, 'image_format_unsupported');
});

test('names the formats that it does not read', () => {
  const formats = [
    ['qed', 'QED'],
    ['qcow', 'version 1'],
  ] as const;
  for (const [format, name] of formats) {
    const target = path(`foreign.${format}`);
    run('qemu-img', 'create', '-q', '-f', format, target, '1M');
    expect(() => openImage({ path: target })).toThrow(
      expect.objectContaining({
        code: 'image_format_unsupported',
        message: expect.stringContaining(name),
      }),
    );
  }
});

test.each([
  ['COWD', 'COWD'],
  ['SESparse', '\xbe\xba\xfe\xca\0\0\0\0'],
])('names the sparse format %s of ESX, which it does not read', (name, magic) => {
  blank('esx', 1_048_576);
  put('esx', 0, Buffer.from(magic, 'latin1'));
  expect(() => openImage({ path: path('esx') })).toThrow(
    expect.objectContaining({
      code: 'image_format_unsupported',
      message: expect.stringContaining(name),
    }),
  );
});

test('refuses what is not a file', () => {
  symlinkSync(path('disk'), path('link'));
  expectRefused({ path: path('link') }, 'image_not_a_file');
  expectRefused({ path: folder }, 'image_not_a_file');
  expectRefused({ path: path('none') }, 'file_not_found');
});

test('refuses a raw image that was cut off', () => {
  writeFileSync(path('cut'), readFileSync(path('disk')).subarray(0, 1_500_000));
  expectRefused({ path: path('cut') }, 'image_truncated');
  writeFileSync(path('cut'), readFileSync(path('filesystem')).subarray(0, 1_000_000));
  expectRefused({ path: path('cut') }, 'image_truncated');
});

test('never reads an empty disk as clean', () => {
  opened({ path: blank('empty', 1_048_576) }, (image) => {
    expect(image.volumes).toMatchObject([{ name: 'disk' }]);
    expect(image.gaps).toMatchObject([{ where: 'disk', reason: 'unsupported' }]);
  });
});

test('reports a damaged filesystem as a gap and goes on', () => {
  writeFileSync(path('damaged'), readFileSync(path('disk')));
  put('damaged', partitionStart + 1024 + 0x78, Buffer.from('other'));
  opened({ path: path('damaged') }, (image) => {
    expect(image.volumes[0]?.filesystem).toBeUndefined();
    expect(image.gaps[0]).toMatchObject({ where: 'partition 1', reason: 'corrupt' });
  });
});

test('names what it recognises and does not read', () => {
  const cases = [
    [0, 'LUKS\xba\xbe\0\x02', 'encrypted', 'LUKS'],
    [3, '-FVE-FS-', 'encrypted', 'BitLocker'],
    [4096, '\xfc\x4e\x2b\xa9', 'corrupt', 'RAID'],
    [0x8001, 'BEA01', 'unsupported', 'UDF'],
  ] as const;
  for (const [offset, magic, reason, name] of cases) {
    const disk = blank('recognised', 1_048_576);
    put('recognised', offset, Buffer.from(magic, 'latin1'));
    opened({ path: disk, format: 'raw' }, (image) => {
      expect(image.gaps).toMatchObject([{ where: 'disk', reason, detail: expect.stringContaining(name) }]);
    });
  }
});

test('does not take half a mirror for a filesystem', () => {
  writeFileSync(path('mirror'), readFileSync(path('filesystem')));
  truncateSync(path('mirror'), 2_097_152 + 65_536);
  const place = Math.floor(((2_097_152 + 65_536) / 512 - 16) / 8) * 8 * 512;
  put('mirror', place, Buffer.from('fc4e2ba9', 'hex'));
  opened({ path: path('mirror') }, (image) => {
    expect(image.volumes[0]?.filesystem).toBeUndefined();
    expect(image.gaps).toMatchObject([{ reason: 'corrupt', detail: expect.stringContaining('RAID') }]);
  });
});
