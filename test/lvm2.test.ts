import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memorySource } from '../src/disk/memory-source.ts';
import { openImage } from '../src/disk/open-image.ts';
import { openVolumes } from '../src/disk/open-volumes.ts';
import type { Volume } from '../src/disk/types.ts';
import { findVolume } from '../src/guest/find-volume.ts';
import { readBytes } from '../src/lib/byte-source.ts';
import { isColdpatchError } from '../src/lib/errors.ts';
import { addVolumes, type Lvm, makeLvmDisk, withLvm } from './support/lvm-disk.ts';

/**
 * Groups that LVM made or took, and what it reports of them as the judge of where a volume lies.
 * The bytes are put there by this test's own arithmetic.
 */

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-lvm-'));
afterAll(() => rmSync(folder, { recursive: true }));

const mebibyte = 1024 * 1024;
const chunkBytes = 64 * 1024;
const thinExtents = 100;
const group = 'test-vg';
const contents = new Map<string, Buffer>();
let bytes: Buffer;
let starts: readonly number[];
let identifiers: readonly string[];

interface PlacedSegment {
  readonly volume: string;
  /** Device numbers (0 for the first) and extents. */
  readonly areas: readonly { readonly device: number; readonly extent: number }[];
  readonly start: number;
  readonly extents: number;
}

beforeAll(() => {
  const disk = makeLvmDisk(folder, 3, [1, 0, 2]);
  ({ starts } = disk);
  withLvm(disk, folder, (lvm, devices) => {
    makeGroup(lvm, devices);
    const segments = reportSegments(lvm, devices);
    const firstExtents = lvm(
      'pvs',
      '--noheadings',
      '--nosuffix',
      '--units',
      'b',
      '-o',
      'pv_name,pe_start,pv_uuid',
    )
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/));
    identifiers = devices.map((device) => firstExtents.find(([name]) => name === device)?.[2] ?? '');
    const base = devices.map(
      (device, index) =>
        (starts[index] as number) + Number(firstExtents.find(([name]) => name === device)?.[1]),
    );
    const file = openSync(disk.path, 'r+');
    for (const [volume, content] of placedContents()) {
      const mine = segments.filter((segment) => segment.volume === volume);
      if (mine.length === 0) throw new Error(`LVM does not say where ${volume} lies`);
      for (const segment of mine) writeSegment(file, base, segment, content);
    }
    closeSync(file);
    lvm('vgck', group);
  });
  bytes = readFileSync(disk.path);
});

function makeGroup(lvm: Lvm, devices: readonly string[]): void {
  const create = (...words: readonly string[]) => lvm('lvcreate', '-an', '-Zn', '-Wn', ...words);
  lvm('vgcreate', '--physicalextentsize', '1m', group, ...devices);
  create('-n', 'line-ar', '-l', '10', group, devices[0] as string);
  create('-n', 'striped', '-i', '3', '-I', '64k', '-l', '12', group);
  create('-n', 'blocker', '-l', '5', group, devices[0] as string);
  lvm('lvextend', '-l', '+9', `${group}/line-ar`, devices[0] as string, devices[1] as string);
  const linear = (device: number, extent: number) =>
    `type="striped" stripe_count=1 stripes=["pv${device}",${extent}]`;
  addVolumes(
    lvm,
    folder,
    group,
    [
      volumeText(
        'r1',
        4,
        'type="raid1" device_count=2 region_size=1024 raids=["r1_rmeta_0","r1_rimage_0","r1_rmeta_1","r1_rimage_1"]',
      ),
      ...[0, 1].flatMap((leg) => [
        hiddenText(`r1_rmeta_${leg}`, 1, linear(leg, 40)),
        hiddenText(`r1_rimage_${leg}`, 4, linear(leg, 41)),
      ]),
      volumeText(
        'pool',
        8,
        'type="thin-pool" metadata="pool_tmeta" pool="pool_tdata" transaction_id=2 chunk_size=128 discards="passdown" zero_new_blocks=1',
      ),
      hiddenText('pool_tmeta', 4, linear(2, 30)),
      hiddenText('pool_tdata', 20, linear(2, 38)),
      volumeText('thin', thinExtents, 'type="thin" thin_pool="pool" transaction_id=0 device_id=1'),
      volumeText('scattered', 2048, 'type="thin" thin_pool="pool" transaction_id=0 device_id=3'),
      volumeText(
        'thin-snap',
        thinExtents,
        'type="thin" thin_pool="pool" transaction_id=1 device_id=2 origin="thin"',
      ).replace('flags=[]', 'flags=["ACTIVATION_SKIP"]'),
      volumeText(
        'mir',
        2,
        'type="mirror" mirror_count=2 region_size=1024 mirrors=["mir_mimage_0",0,"mir_mimage_1",0]',
      ),
      hiddenText('mir_mimage_0', 2, linear(0, 50)),
      hiddenText('mir_mimage_1', 2, linear(1, 50)),
      volumeText('cow', 1, linear(0, 55)),
      hiddenText('snapshot0', 12, 'type="snapshot" chunk_size=8 origin="striped" cow_store="cow"'),
      volumeText('nothing', 3, 'type="zero"'),
    ].join(''),
  );
}

let lastId = 0;
function volumeText(
  name: string,
  extents: number,
  segment: string,
  status = '"READ","WRITE","VISIBLE"',
): string {
  lastId += 1;
  const id = `${lastId}`
    .padStart(32, 'a')
    .replace(/^(.{6})(.{4})(.{4})(.{4})(.{4})(.{4})(.{6})$/, '$1-$2-$3-$4-$5-$6-$7');
  return (
    `${name} { id="${id}" status=[${status}] flags=[] creation_time=1700000000 creation_host="host" ` +
    `segment_count=1 segment1 { start_extent=0 extent_count=${extents} ${segment} } }\n`
  );
}

function hiddenText(name: string, extents: number, segment: string): string {
  return volumeText(name, extents, segment, '"READ","WRITE"');
}

/** Where LVM itself says that everything lies. */
function reportSegments(lvm: Lvm, devices: readonly string[]): readonly PlacedSegment[] {
  const columns = 'lv_name,seg_start_pe,seg_size_pe,devices';
  const lines = lvm('lvs', '-a', '--noheadings', '--separator', ';', '--segments', '-o', columns)
    .trim()
    .split('\n');
  return lines.flatMap((line) => {
    const [name = '', start, extents, places = ''] = line.trim().split(';');
    const areas = [...places.matchAll(/(\/dev\/\w+)\((\d+)\)/g)].map((match) => ({
      device: devices.indexOf(match[1] as string),
      extent: Number(match[2]),
    }));
    if (areas.length === 0) return [];
    return [{ volume: name.replace(/[[\]]/g, ''), areas, start: Number(start), extents: Number(extents) }];
  });
}

function writeSegment(file: number, base: readonly number[], segment: PlacedSegment, content: Buffer): void {
  const { areas, start, extents } = segment;
  const first = start * mebibyte;
  for (let done = 0; done < extents * mebibyte; done += chunkBytes) {
    const stripe = done / chunkBytes;
    const area = areas[stripe % areas.length] as PlacedSegment['areas'][number];
    const within = Math.floor(stripe / areas.length) * chunkBytes;
    const target = (base[area.device] as number) + area.extent * mebibyte + within;
    writeSync(file, content, first + done, Math.min(chunkBytes, content.length - first - done), target);
  }
}

/** What goes where, and what a reader must see in `contents`. */
function placedContents(): ReadonlyMap<string, Buffer> {
  const linear = filesystem('linear', 19);
  const striped = filesystem('striped', 12);
  const mirror = filesystem('mirror', 4);
  const old = filesystem('old', 4);
  const thin = thinContents();
  contents
    .set('line-ar', linear)
    .set('striped', striped)
    .set('r1', mirror)
    .set('mir', noise('mir', 2 * mebibyte));
  contents
    .set('thin', thin.thin)
    .set('scattered', thin.scattered)
    .set('nothing', Buffer.alloc(3 * mebibyte));
  return new Map([
    ['line-ar', linear],
    ['striped', striped],
    ['r1_rmeta_0', raidState(0, 5n)],
    ['r1_rimage_0', old],
    ['r1_rmeta_1', raidState(1, 7n)],
    ['r1_rimage_1', mirror],
    ['mir_mimage_0', contents.get('mir') as Buffer],
    ['pool_tmeta', thin.metadata],
    ['pool_tdata', thin.data],
  ]);
}

function filesystem(label: string, megabytes: number): Buffer {
  const path = join(folder, label);
  const source = join(folder, `${label}-files`);
  mkdirSync(source);
  writeFileSync(join(source, 'name'), label);
  writeFileSync(join(source, 'noise'), noise(label, 600_000));
  writeFileSync(path, '');
  truncateSync(path, megabytes * mebibyte);
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-L', label, '-d', source, path]);
  return readFileSync(path);
}

function noise(seed: string, length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 64) }, (_, index) =>
    createHash('sha512').update(`${seed} ${index}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, length);
}

/** As drivers/md/dm-raid.c writes it. */
function raidState(position: number, events: bigint): Buffer {
  const state = Buffer.alloc(mebibyte);
  state.write('DmRd', 0);
  state.writeUInt32LE(0x64526d44, 0);
  state.writeUInt32LE(2, 8);
  state.writeUInt32LE(position, 12);
  state.writeBigUInt64LE(events, 16);
  state.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, 32);
  state.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, 40);
  return state;
}

/** A pool whose metadata thin_restore wrote: a filesystem in shuffled chunks, and single chunks far apart. */
function thinContents() {
  const thin = Buffer.concat([filesystem('thin', 20), Buffer.alloc((thinExtents - 20) * mebibyte)]);
  const scattered = Buffer.alloc(2048 * mebibyte);
  const data = Buffer.alloc(20 * mebibyte);
  const chunks = data.length / chunkBytes;
  let next = 7;
  const take = (): number => {
    const chunk = next;
    next = (next + 77) % chunks;
    return chunk;
  };
  const used: (readonly [number, number])[] = [];
  for (let chunk = 0; chunk * chunkBytes < thin.length; chunk += 1) {
    const part = thin.subarray(chunk * chunkBytes, (chunk + 1) * chunkBytes);
    if (part.every((byte) => byte === 0)) continue;
    used.push([chunk, take()]);
    part.copy(data, (used.at(-1)?.[1] ?? 0) * chunkBytes);
  }
  const far: (readonly [number, number])[] = [];
  const rest = chunks - used.length;
  for (let index = 0; index < rest; index += 1) {
    const chunk = index * 113;
    const target = take();
    const part = noise(`far ${index}`, chunkBytes);
    part.copy(scattered, chunk * chunkBytes);
    part.copy(data, target * chunkBytes);
    far.push([chunk, target]);
  }
  const device = (id: number, mappings: readonly (readonly [number, number])[]) =>
    `<device dev_id="${id}" mapped_blocks="${mappings.length}" transaction="0" creation_time="0" snap_time="0">` +
    mappings
      .map(([from, to]) => `<single_mapping origin_block="${from}" data_block="${to}" time="1"/>`)
      .join('') +
    '</device>';
  const xml =
    `<superblock uuid="" time="1" transaction="2" flags="0" version="2" data_block_size="128" nr_data_blocks="${chunks}">` +
    `${device(1, used)}${device(2, used.slice(0, 1))}${device(3, far)}</superblock>`;
  writeFileSync(join(folder, 'pool.xml'), xml);
  const path = join(folder, 'pool.metadata');
  writeFileSync(path, Buffer.alloc(4 * mebibyte));
  execFileSync('thin_restore', ['-i', join(folder, 'pool.xml'), '-o', path], { stdio: 'pipe' });
  execFileSync('thin_check', [path], { stdio: 'pipe' });
  expect(far.length).toBeGreaterThan(126);
  return { thin, scattered, data, metadata: readFileSync(path) };
}

function volumesOf(disk: Buffer) {
  return openVolumes(memorySource(disk));
}

function named(volumes: readonly Volume[], name: string): Volume {
  const volume = volumes.find((candidate) => candidate.name === `${group}/${name}`);
  if (volume === undefined) throw new Error(`no ${name}`);
  return volume;
}

test('reads every volume byte for byte where LVM says that it lies', () => {
  const { volumes } = volumesOf(bytes);
  for (const [name, content] of contents) {
    const { bytes: read } = named(volumes, name);
    expect(read.size, name).toBe(BigInt(content.length));
    for (let at = 0; at < content.length; at += 16 * mebibyte) {
      const length = Math.min(16 * mebibyte, content.length - at);
      expect(
        readBytes(read, BigInt(at), length).equals(content.subarray(at, at + length)),
        `${name} ${at}`,
      ).toBe(true);
    }
    // Odd ranges that begin and end inside stripes and chunks.
    for (const at of [1, 65_535, 131_071, content.length - 70_001]) {
      const expected = content.subarray(at, at + 70_000);
      expect(readBytes(read, BigInt(at), expected.length).equals(expected), `${name} ${at}`).toBe(true);
    }
  }
});

test('opens the filesystems on them, from the image file, too', () => {
  const image = openImage({ path: join(folder, 'disk') });
  try {
    for (const [name, label] of [
      ['line-ar', 'linear'],
      ['striped', 'striped'],
      ['r1', 'mirror'],
      ['thin', 'thin'],
    ] as const) {
      const { content, filesystem: opened, managed } = named(image.volumes, name);
      expect(content).toMatchObject({ format: 'ext4', label });
      const entry = opened?.readDirectory(opened.rootInode).find((candidate) => candidate.name === 'noise');
      const file = opened?.openFile(entry?.inode ?? 0);
      expect(file && readBytes(file, 0n, Number(file.size)).equals(noise(label, 600_000))).toBe(true);
      expect(managed?.manager).toBe('lvm2');
    }
    expect(
      image.volumes.filter(({ container }) => container?.manager === 'lvm2').map(({ name }) => name),
    ).toEqual(['partition 1', 'partition 2', 'partition 3']);
  } finally {
    image.close();
  }
});

test('finds volumes by the names that the fstab has for them', () => {
  const { volumes } = volumesOf(bytes);
  const linear = named(volumes, 'line-ar');
  expect(findVolume(volumes, `/dev/${group}/line-ar`)).toBe(linear);
  expect(findVolume(volumes, '/dev/mapper/test--vg-line--ar')).toBe(linear);
  expect(findVolume(volumes, `UUID=${linear.content?.uuid}`)).toBe(linear);
  expect(findVolume(volumes, '/dev/mapper/test-vg-line-ar')).toBeUndefined();
  expect(findVolume(volumes, '/dev/sda')).toBeUndefined();
});

test('leaves snapshots, with a gap', () => {
  const { gaps, volumes } = volumesOf(bytes);
  const found = gaps.filter(
    ({ where }) => where.startsWith(group) && !/mir|blocker|nothing|scattered/.test(where),
  );
  expect(found).toEqual([
    expect.objectContaining({ where: `${group}/thin-snap`, reason: 'unsupported' }),
    expect.objectContaining({
      where: `${group}/cow`,
      detail: expect.stringContaining(`of ${group}/striped`),
    }),
  ]);
  expect(volumes.map(({ name }) => name)).not.toContain(`${group}/cow`);
  expect(volumes.map(({ name }) => name)).not.toContain(`${group}/r1_rimage_0`);
});

test('names the physical volume that is not there, and reads what does not need it', () => {
  const damaged = Buffer.from(bytes);
  damaged.fill(0, starts[1], (starts[1] as number) + 4096);
  const { gaps, volumes } = volumesOf(damaged);
  const missing = gaps.filter(({ reason }) => reason === 'missing');
  expect(missing.map(({ where }) => where).toSorted()).toEqual(
    ['r1', 'striped'].map((name) => `${group}/${name}`),
  );
  expect(missing.find(({ where }) => where.endsWith('striped'))?.detail).toContain(identifiers[1]);
  // Its leg with the newer state is gone: the other is what this image has.
  expect(named(volumes, 'r1').content?.label).toBe('old');
  expect(named(volumes, 'thin').content?.label).toBe('thin');
});

test('reads the newest copy of the metadata when another is damaged, and says so', () => {
  const damaged = Buffer.from(bytes);
  const text = damaged.indexOf(`${group} {`, starts[0]);
  damaged.fill(0, text, text + 100);
  for (let at = text; at !== -1 && at < (starts[1] as number); at = damaged.indexOf(`${group} {`, at)) {
    damaged.fill(0, at, at + 100);
  }
  const { gaps, volumes } = volumesOf(damaged);
  expect(gaps).toContainEqual(expect.objectContaining({ where: 'partition 1', reason: 'corrupt' }));
  expect(named(volumes, 'line-ar').content?.label).toBe('linear');
});

test('finds every changed byte of the metadata of a pool that it reads', () => {
  // Up to its version: a long needle of zeros takes minutes to find.
  const at = bytes.indexOf(readFileSync(join(folder, 'pool.metadata')).subarray(0, 41));
  const changed = Array.from({ length: 60 }, (_, index) => at + index * 4096 + ((index * 389) % 4096));
  for (const place of changed) {
    bytes[place] = (bytes[place] as number) ^ 0x40;
    try {
      const { volumes } = volumesOf(bytes);
      const thin = volumes.find(({ name }) => name === `${group}/scattered`);
      if (thin === undefined) continue;
      for (let chunk = 0; chunk < 20; chunk += 1) {
        const offset = chunk * 113 * chunkBytes;
        expect(
          readBytes(thin.bytes, BigInt(offset), 4096).equals(
            (contents.get('scattered') as Buffer).subarray(offset, offset + 4096),
          ),
        ).toBe(true);
      }
    } catch (error) {
      expect(error).toSatisfy((thrown) => isColdpatchError(thrown, 'volume_corrupt'));
    } finally {
      bytes[place] = bytes[place] ^ 0x40;
    }
  }
});

test('reads a text that reaches the end of its ring and goes on at its start', () => {
  const own = mkdtempSync(join(folder, 'ring-'));
  const disk = makeLvmDisk(own, 1, [1]);
  const before = withLvm(disk, own, (lvm, [device = '']) => {
    lvm('pvremove', '--yes', device);
    lvm('pvcreate', '--metadatasize', '32k', '--dataalignment', '64k', device);
    lvm('vgcreate', 'ring', device);
    lvm('lvcreate', '-an', '-Zn', '-Wn', '-n', 'volume', '-l', '3', 'ring');
    for (let change = 0; change < 80; change += 1) {
      lvm('vgchange', '--addtag', `tag-${change}-${'x'.repeat(200)}`, 'ring');
      if (change > 0) lvm('vgchange', '--deltag', `tag-${change - 1}-${'x'.repeat(200)}`, 'ring');
      if (wraps(readFileSync(disk.path), disk.starts[0] as number)) return true;
    }
    return false;
  });
  expect(before).toBe(true);
  const { volumes } = volumesOf(readFileSync(disk.path));
  expect(volumes.find(({ name }) => name === 'ring/volume')?.size).toBe(12n * BigInt(mebibyte));
});

/** Whether the committed text of the first metadata area reaches over its end. */
function wraps(disk: Buffer, start: number): boolean {
  const header = start + 4096;
  const size = disk.readBigUInt64LE(header + 32);
  return disk.readBigUInt64LE(header + 40) + disk.readBigUInt64LE(header + 48) > size;
}
