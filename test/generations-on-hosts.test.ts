import { execFileSync, type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  lchownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copyImage } from '../src/machines/copy-image.ts';
import { assertNoOtherNames } from '../src/machines/generations/assert-no-other-names.ts';
import { attachFile } from '../src/machines/generations/attach-file.ts';
import { findLeftovers } from '../src/machines/generations/find-leftovers.ts';
import { removeTree } from '../src/machines/generations/remove-tree.ts';
import { openStateDirectory, stateDirectoryOf } from '../src/machines/generations/state-directory.ts';
import { holdImageLocks } from '../src/machines/hypervisors/qemu/hold-image-lock.ts';
import { resolveImagePath } from '../src/machines/image-path.ts';
import { acquireRunLock } from '../src/machines/run-lock.ts';
import { type Change, foreignWrite, tidy, undo, update } from './support/change-image.ts';
import { endHolders } from './support/end-holders.ts';

const changeImage = fileURLToPath(new URL('support/change-image.ts', import.meta.url));
const nothing = (): void => undefined;
const megabyte = 1024 * 1024;
const nobody = 65_534;

let folder: string;
let image: string;
let content: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'hosts-')));
  image = join(folder, 'web, "1".img');
  content = join(folder, 'content');
  writeFileSync(image, Buffer.alloc(megabyte, 'first'), { mode: 0o640 });
  writeFileSync(content, Buffer.alloc(megabyte, 'second'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A QEMU that has the image open until it is stopped. */
async function openInQemu(...args: readonly string[]): Promise<ChildProcess> {
  const qemu = spawn('qemu-io', ['-f', 'raw', ...args, image], { stdio: ['pipe', 'pipe', 'inherit'] });
  qemu.stdin.write('length\n');
  await once(createInterface({ input: qemu.stdout }), 'line');
  return qemu;
}

async function stopped(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  const end = once(child, 'close');
  child.kill(signal);
  await end;
}

function qemuIo(...args: readonly string[]): { readonly status: number | null; readonly stderr: string } {
  return spawnSync('qemu-io', ['-f', 'raw', ...args, image], { encoding: 'utf8' });
}

describe('the lock of QEMU', () => {
  test('refuses an image that a machine writes, and names it', async () => {
    const qemu = await openInQemu();
    await expect(holdImageLocks([content, image])).rejects.toMatchObject({
      code: 'image_in_use',
      message: expect.stringContaining(image) as string,
    });
    await expect(update(image, content, nothing)).rejects.toMatchObject({ code: 'image_in_use' });
    await stopped(qemu);
    expect(await update(image, content, nothing)).toBe(1);
  });

  test('accepts readers', async () => {
    const qemu = await openInQemu('-r');
    const hold = await holdImageLocks([image]);
    await expect(hold.assertHeld()).resolves.toBeUndefined();
    await hold.release();
    await stopped(qemu);
  });

  test('lets nobody write while it is held, and everybody read', async () => {
    const hold = await holdImageLocks([content, image]);
    expect(qemuIo('-c', 'write 0 512')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('lock') as string,
    });
    expect(qemuIo('-r', '-c', 'read 0 512')).toMatchObject({ status: 0 });
    await expect(hold.assertHeld()).resolves.toBeUndefined();
    await hold.release();
    await expect(hold.assertHeld()).rejects.toMatchObject({ code: 'image_changed' });
    expect(qemuIo('-c', 'write 0 512')).toMatchObject({ status: 0 });
  });

  test('refuses a rollback of a machine that runs', async () => {
    await update(image, content, nothing);
    const qemu = await openInQemu();
    await expect(undo(image, nothing)).rejects.toMatchObject({ code: 'image_in_use' });
    await stopped(qemu);
    expect(await undo(image, nothing)).toMatchObject({ kept: 2 });
  });

  test('is held on the new image until it is certain that it stays', async () => {
    const tries: (number | null)[] = [];
    await update(image, content, (step) => {
      if (step === 'replaced' || step === 'kept') tries.push(qemuIo('-c', 'write 0 512').status);
    });
    expect(tries).toEqual([1, 1]);
    expect(qemuIo('-c', 'write 0 512')).toMatchObject({ status: 0 });
  });

  test('keeps a recovery from taking the image away from a machine that was started since', async () => {
    const change: Change = { image, action: 'update', content, killAt: 'replaced', writeAt: 'replaced' };
    spawnSync(process.execPath, [changeImage, JSON.stringify(change)]);
    const qemu = await openInQemu();
    await expect(tidy(image)).rejects.toMatchObject({ code: 'image_in_use' });
    expect(readFileSync(image).equals(readFileSync(content))).toBe(true);
    await stopped(qemu);
    expect(await tidy(image)).toMatchObject({ settlement: 'returned' });
    expect(readFileSync(image, 'latin1')).toContain(foreignWrite.bytes);
  });

  test('replaces nothing when the holder was ended', async () => {
    const attempt = update(image, content, (step) => {
      if (step === 'linked') endHolders();
    });
    await expect(attempt).rejects.toMatchObject({ code: 'image_changed' });
    expect(readFileSync(image, 'latin1').startsWith('first')).toBe(true);
  });

  test('and the run lock end with a process that is killed', async () => {
    const state = await openStateDirectory(image);
    const moduleOf = (path: string): string =>
      JSON.stringify(new URL(`../src/machines/${path}`, import.meta.url).href);
    const script = `
      import { holdImageLocks } from ${moduleOf('hypervisors/qemu/hold-image-lock.ts')};
      import { acquireRunLock } from ${moduleOf('run-lock.ts')};
      await acquireRunLock(${JSON.stringify(state.path)});
      await holdImageLocks([${JSON.stringify(image)}]);
      console.log('held');`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(createInterface({ input: child.stdout }), 'line');
    await expect(acquireRunLock(state.path)).rejects.toMatchObject({ code: 'image_busy' });
    expect(qemuIo('-c', 'write 0 512').status).toBe(1);
    await stopped(child, 'SIGKILL');
    await expect.poll(() => qemuIo('-c', 'write 0 512').status).toBe(0);
    await (await acquireRunLock(state.path)).release();
  });
});

describe('names', () => {
  test('a link of another user is refused, also where only owners may remove', () => {
    const link = join(folder, 'link');
    symlinkSync(image, link);
    lchownSync(link, nobody, nobody);
    expect(() => resolveImagePath(link)).toThrow(expect.objectContaining({ code: 'image_link_unsafe' }));
    lchownSync(link, 0, 0);
    expect(resolveImagePath(link).path).toBe(image);
    chownSync(folder, nobody, nobody);
    expect(() => resolveImagePath(link)).toThrow(expect.objectContaining({ code: 'image_link_unsafe' }));
  });

  test('further names of the image are refused, generations are not', async () => {
    await update(image, content, nothing);
    await tidy(image);
    await assertNoOtherNames(resolveImagePath(image));
    const state = stateDirectoryOf(image);
    mkdirSync(join(state.generations, '5.tmp'));
    linkSync(image, join(state.generations, '5.tmp', 'disk'));
    await assertNoOtherNames(resolveImagePath(image));
    linkSync(image, join(folder, 'other'));
    await expect(assertNoOtherNames(resolveImagePath(image))).rejects.toMatchObject({
      code: 'image_hard_linked',
    });
    await expect(undo(image, nothing)).rejects.toMatchObject({ code: 'image_hard_linked' });
  });
});

describe('attributes', () => {
  test('owner, mode, access control list and extended attributes are passed on, times are not', async () => {
    chownSync(image, nobody, 12_345);
    chmodSync(image, 0o2660);
    execFileSync('setfattr', ['-n', 'user.origin', '-v', 'golden', image]);
    execFileSync('setfacl', ['-m', 'u:4321:r', image]);
    const attributes = (): string =>
      execFileSync('getfattr', ['-d', '-m', '-', '-e', 'hex', '--absolute-names', image], {
        encoding: 'utf8',
      });
    const before = { attributes: attributes(), status: statSync(image) };
    await update(image, content, nothing);
    const after = statSync(image);
    expect(attributes()).toBe(before.attributes);
    expect(before.attributes).toContain('posix_acl_access');
    expect([after.uid, after.gid, after.mode]).toEqual([nobody, 12_345, before.status.mode]);
    expect(after.mtimeMs).toBeGreaterThan(before.status.mtimeMs);
  });

  test('a file can be added to a generation', async () => {
    const generation = await update(image, content, nothing);
    const state = stateDirectoryOf(image);
    await attachFile(state, generation, 'report.json', '{}');
    expect(readFileSync(join(state.generations, '1', 'report.json'), 'utf8')).toBe('{}');
    await expect(attachFile(state, generation, '../report', '{}')).rejects.toMatchObject({
      code: 'internal',
    });
    await expect(attachFile(state, generation, 'disk', '{}')).rejects.toMatchObject({ code: 'internal' });
  });
});

describe('a filesystem of its own', () => {
  let mounted: string;

  beforeEach(() => {
    mounted = join(folder, 'mounted');
    mkdirSync(mounted);
  });
  afterEach(() => execFileSync('umount', [mounted]));

  /** A file that leaves `pages` of 4 KiB free. */
  function fillUpTo(pages: number): void {
    const { bavail } = statfsSync(mounted);
    writeFileSync(join(mounted, 'filler'), Buffer.alloc((bavail - pages) * 4096));
  }

  test('that is full at any moment leaves the image and nothing else', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mounted]);
    const inside = join(mounted, 'web.img');
    writeFileSync(inside, Buffer.alloc(64 * 1024, 'first'));
    writeFileSync(content, Buffer.alloc(64 * 1024, 'second'));
    const before = readFileSync(inside);
    const state = await openStateDirectory(inside);
    const refusedAfter: string[] = [];
    // Twice with the same room, because the first attempt leaves the counter, which the second only replaces.
    for (const pages of [16, 16, 17, 17]) {
      fillUpTo(pages);
      let reached = 'nothing';
      const attempt = update(inside, content, (step) => {
        reached = step;
      });
      await expect(attempt).rejects.toMatchObject({ code: 'host_space' });
      refusedAfter.push(reached);
      expect(readFileSync(inside)).toEqual(before);
      expect((await findLeftovers(state)).map(({ kind }) => kind)).toEqual(['work']);
      await tidy(inside);
      expect(await findLeftovers(state)).toEqual([]);
      rmSync(join(mounted, 'filler'));
    }
    expect(refusedAfter).toEqual(['synced', 'synced', 'counted', 'linked']);
    fillUpTo(18);
    await update(inside, content, nothing);
    expect(readFileSync(inside)).toEqual(readFileSync(content));
  });

  test('that is too small for a copy keeps no part of it', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mounted]);
    writeFileSync(content, Buffer.alloc(2 * megabyte, 'x'));
    await expect(copyImage(content, join(mounted, 'copy'))).rejects.toMatchObject({ code: 'host_space' });
    expect(readdirSync(mounted)).toEqual([]);
  });

  test('that can reflink is used so, and an image there is replaced as anywhere', async () => {
    const disk = join(folder, 'xfs');
    writeFileSync(disk, '');
    truncateSync(disk, 400 * megabyte);
    execFileSync('mkfs.xfs', ['-q', '-K', '-m', 'reflink=1', disk]);
    execFileSync('mount', ['-o', 'loop', disk, mounted]);
    const inside = join(mounted, 'web.img');
    writeFileSync(inside, Buffer.alloc(32 * megabyte, 'first'));
    const free = (): number => statfsSync(mounted).bavail * statfsSync(mounted).bsize;
    const before = free();
    expect(await copyImage(inside, join(mounted, 'copy'))).toEqual({ method: 'reflink' });
    expect(before - free()).toBeLessThan(megabyte);
    await update(inside, content, nothing);
    await undo(inside, nothing);
    expect(readFileSync(inside).equals(readFileSync(join(mounted, 'copy')))).toBe(true);
  });

  test('is never emptied by a recovery that finds it mounted', async () => {
    execFileSync('mount', ['--bind', folder, mounted]);
    await expect(removeTree(join(folder, 'mounted'))).rejects.toThrow(/Unmount it/);
    expect(readdirSync(folder)).toContain('content');
  });
});
