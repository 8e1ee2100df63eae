import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { memorySource } from '../../memory-source.ts';
import { imageFormats } from '../registry.ts';
import type { ImageFormat } from '../types.ts';
import { ova } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-ova-'));
const path = (name: string): string => join(folder, name);
const diskBytes = 2 * 1024 * 1024;
const longName = `${'a-long-name-'.repeat(12)}.vmdk`;

function run(program: string, ...parameters: readonly string[]): void {
  execFileSync(program, parameters, { stdio: 'pipe', cwd: folder });
}

beforeAll(() => {
  const disk = Buffer.from(Array.from({ length: diskBytes }, (_, index) => (index * index) >>> 9));
  disk.fill(0, 500_000, 900_000);
  writeFileSync(path('disk.raw'), disk);
  const stream = ['-o', 'subformat=streamOptimized'];
  run('qemu-img', 'convert', '-f', 'raw', '-O', 'vmdk', ...stream, 'disk.raw', 'first.vmdk');
  run('qemu-img', 'convert', '-f', 'raw', '-O', 'vpc', '-o', 'force_size=on', 'disk.raw', 'second.vhd');
  run('cp', 'first.vmdk', longName);
});
afterAll(() => rmSync(folder, { recursive: true }));

function ovf(...files: readonly (readonly [string, string?])[]): string {
  return `<?xml version="1.0"?>
<!-- <File ovf:href="not-there.vmdk" ovf:id="f1"/> -->
<Envelope xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
  <References>
    ${files.map(([href, more = ''], index) => `<File ovf:href="${href}" ovf:id="f${index + 1}" ${more}/>`).join('\n    ')}
    <File ovf:id="iso" ovf:href="tools.iso"/>
  </References>
  <DiskSection>
    ${files.map((_, index) => `<ovf:Disk ovf:capacity="2" ovf:diskId='d${index + 1}' ovf:fileRef='f${index + 1}'/>`).join('\n    ')}
    <Disk ovf:diskId="empty" ovf:capacity="10"/>
  </DiskSection>
</Envelope>`;
}

function pack(descriptor: string, files: readonly string[], ...options: readonly string[]): Buffer {
  writeFileSync(path('machine.ovf'), descriptor);
  run(
    'tar',
    ...(options.length === 0 ? ['--format=ustar'] : options),
    '-cf',
    'made.ova',
    'machine.ovf',
    ...files,
  );
  return readFileSync(path('made.ova'));
}

const formatOf = (bytes: ByteSource): ImageFormat =>
  imageFormats.find(({ detect }) => detect(bytes).answer === 'yes') as ImageFormat;

const whole = (disk: ByteSource): Buffer => readBytes(disk, 0n, Number(disk.size));

test('a disk is read where it lies in the archive', () => {
  const file = memorySource(pack(ovf(['first.vmdk']), ['first.vmdk']));
  expect(ova.detect(file)).toEqual({ answer: 'yes' });
  expect(ova.readHeader(file, { formatOf })).toMatchObject({
    format: 'ova',
    virtualSize: BigInt(diskBytes),
    properties: { disk: 'first.vmdk', disks: 1, diskFormat: 'vmdk', manifest: 'none' },
  });
  expect(whole(ova.open(file, undefined, { formatOf })).equals(readFileSync(path('disk.raw')))).toBe(true);
});

test.each(['gnu', 'pax', 'ustar'])('long names of %s archives are read', (format) => {
  const name = format === 'ustar' ? 'first.vmdk' : longName;
  const file = memorySource(pack(ovf([name]), [name], `--format=${format}`));
  expect(ova.readHeader(file, { formatOf }).properties['disk']).toBe(name);
  expect(whole(ova.open(file, undefined, { formatOf })).equals(readFileSync(path('disk.raw')))).toBe(true);
});

test('of several disks one is chosen by its number, and otherwise they are named', () => {
  const file = memorySource(pack(ovf(['first.vmdk'], ['second.vhd']), ['first.vmdk', 'second.vhd']));
  expect(() => ova.readHeader(file, { formatOf })).toThrow(
    expect.objectContaining({
      code: 'usage',
      message: expect.stringMatching(/--disk: 1: "first\.vmdk", 2: "second\.vhd"/),
    }),
  );
  for (const [disk, diskFormat] of [
    [1, 'vmdk'],
    [2, 'vhd'],
  ] as const) {
    expect(ova.readHeader(file, { disk, formatOf }).properties).toMatchObject({ diskFormat, disks: 2 });
    expect(whole(ova.open(file, undefined, { disk, formatOf })).equals(readFileSync(path('disk.raw')))).toBe(
      true,
    );
  }
  for (const disk of [0, 3]) {
    expect(() => ova.readHeader(file, { disk, formatOf })).toThrow(
      expect.objectContaining({ code: 'usage' }),
    );
  }
});

test('the descriptor is held against its digest in the manifest', () => {
  const descriptor = ovf(['first.vmdk']);
  for (const [algorithm, text, expected] of [
    ['SHA256', descriptor, 'descriptor checked'],
    ['SHA1', descriptor, 'descriptor checked'],
    ['SHA256', `${descriptor} `, undefined],
    ['MD4', descriptor, 'not checked'],
  ] as const) {
    const digest = createHash(algorithm === 'MD4' ? 'md5' : algorithm)
      .update(text)
      .digest('hex');
    writeFileSync(path('machine.mf'), `${algorithm}(machine.ovf)= ${digest}\n`);
    const file = memorySource(pack(descriptor, ['machine.mf', 'first.vmdk']));
    if (expected === undefined) {
      expect(() => ova.readHeader(file, { formatOf })).toThrow(
        expect.objectContaining({ code: 'image_corrupt' }),
      );
    } else {
      expect(ova.readHeader(file, { formatOf }).properties['manifest']).toBe(expected);
    }
  }
});

test('refuses what it does not read, by name', () => {
  run('gzip', '-kf', 'first.vmdk');
  run(
    'qemu-img',
    'create',
    '-q',
    '-f',
    'qcow2',
    '-u',
    '-b',
    '/etc/passwd',
    '-F',
    'raw',
    'overlay.qcow2',
    '1M',
  );
  const cases = [
    [ovf(['first.vmdk.gz', 'ovf:compression="gzip"']), ['first.vmdk.gz'], 'image_format_unsupported'],
    [ovf(['first.vmdk', 'ovf:chunkSize="1000"']), ['first.vmdk'], 'image_format_unsupported'],
    [ovf(['first.vmdk.gz']), ['first.vmdk.gz'], 'image_format_unsupported'],
    [ovf(['overlay.qcow2']), ['overlay.qcow2'], 'image_format_unsupported'],
    [ovf(), ['first.vmdk'], 'image_format_unsupported'],
    [ovf(['gone.vmdk']), ['first.vmdk'], 'image_truncated'],
  ] as const;
  for (const [descriptor, files, code] of cases) {
    const file = memorySource(pack(descriptor, files));
    expect(() => ova.open(file, undefined, { formatOf })).toThrow(expect.objectContaining({ code }));
  }
});

test('an archive without a descriptor at its start is no OVA', () => {
  run('tar', '-cf', 'other.tar', 'first.vmdk');
  expect(ova.detect(memorySource(readFileSync(path('other.tar'))))).toEqual({ answer: 'no' });
});

test('damage is an error, or other bytes, and nothing else', () => {
  writeFileSync(path('machine.mf'), '');
  const image = pack(ovf([longName]), ['machine.mf', longName], '--format=pax');
  const place = fc.oneof(fc.nat(8000), fc.nat(image.length - 1));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 6 }),
      fc.option(fc.nat(image.length)),
      fc.boolean(),
      (changes, length, repaired) => {
        const bytes = Buffer.from(image.subarray(0, length ?? image.length));
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        if (repaired) repairChecksums(bytes);
        const file = memorySource(bytes);
        try {
          ova.detect(file);
          const { virtualSize } = ova.readHeader(file, { formatOf });
          const disk = ova.open(file, undefined, { formatOf });
          expect(disk.size).toBe(virtualSize);
          readBytes(disk, 0n, disk.size < 100_000n ? Number(disk.size) : 100_000);
        } catch (error) {
          expect(error).toBeInstanceOf(ColdpatchError);
        }
      },
    ),
    { numRuns: 200 },
  );
});

/** So that damage gets past the checksums of the headers. */
function repairChecksums(bytes: Buffer): void {
  for (let at = 0; at + 512 <= bytes.length && at < 8192; at += 512) {
    if (bytes.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
    bytes.fill(0x20, at + 148, at + 156);
    const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
    bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148);
  }
}
