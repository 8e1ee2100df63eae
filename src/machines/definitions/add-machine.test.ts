import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { addMachine, type NewMachine } from './add-machine.ts';
import { openHostState } from './host-state.ts';
import { machineOfImage } from './machine-of-image.ts';
import { machineStateOf } from './machine-state.ts';
import { listMachines, readMachine } from './read-machine.ts';
import { removeMachine } from './remove-machine.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'coldpatch-machines-')));
afterAll(() => rmSync(folder, { recursive: true }));

const host = await openHostState(join(folder, 'not', 'yet', 'there'));
const [disk, other, variables] = ['disk', 'other', 'vars'].map((name) => {
  const path = join(folder, name);
  writeFileSync(path, Buffer.alloc(4096));
  return path;
}) as [string, string, string];
const vtpm = join(folder, 'swtpm');
mkdirSync(vtpm);

function add(wanted: NewMachine) {
  return addMachine(host, wanted, { id: randomUUID(), now: new Date(0) });
}

test('a machine is remembered for its owner alone, and forgotten', async () => {
  await expect(add({ name: 'web', disks: [{ path: disk }], vtpm: { path: vtpm } })).rejects.toMatchObject({
    code: 'machine_unsupported',
  });
  writeFileSync(join(vtpm, 'tpm2-00.permall'), 'state');
  const key = { file: join(folder, 'key'), kind: 'hex', mode: 'aes-256-cbc' } as const;
  const machine = await add({
    name: 'web',
    disks: [{ path: disk }, { path: other, format: 'raw' }],
    vtpm: { path: vtpm, key },
    uefiVariables: variables,
  });
  expect(machine).toMatchObject({
    disks: [
      { path: disk, format: 'raw' },
      { path: other, format: 'raw' },
    ],
    vtpm: { backend: 'directory', path: vtpm, key },
    uefiVariables: { path: variables },
  });
  expect(await readMachine(host, 'web')).toEqual(machine);
  expect(await listMachines(host)).toEqual([machine]);
  for (const path of [host.path, machineStateOf(host, 'web').path]) {
    expect(statSync(path).mode & 0o7777).toBe(0o700);
  }
  expect(statSync(machineStateOf(host, 'web').definition).mode & 0o7777).toBe(0o600);

  await expect(add({ name: 'web', disks: [{ path: other }] })).rejects.toMatchObject({
    code: 'machine_exists',
  });
  await expect(add({ name: 'db', disks: [{ path: other }] })).rejects.toMatchObject({
    code: 'image_of_machine',
  });
  await removeMachine(host, 'web');
  await expect(readMachine(host, 'web')).rejects.toMatchObject({ code: 'machine_unknown' });
});

test('a disk is known by its file, also when its storage moved behind a link', async () => {
  const [images, moved] = [join(folder, 'images'), join(folder, 'moved')];
  mkdirSync(images);
  writeFileSync(join(images, 'a'), Buffer.alloc(4096));
  await add({ name: 'mover', disks: [{ path: join(images, 'a') }] });
  renameSync(images, moved);
  expect(await machineOfImage(host.path, join(moved, 'a'))).toBeUndefined();
  symlinkSync(moved, images);
  expect(await machineOfImage(host.path, join(moved, 'a'))).toMatchObject({ name: 'mover' });
  expect(await machineOfImage(host.path, other)).toBeUndefined();
  await expect(add({ name: 'second', disks: [{ path: join(moved, 'a') }] })).rejects.toMatchObject({
    code: 'image_of_machine',
  });
  await removeMachine(host, 'mover');
});

test.each(['', '-x', 'a/b', '..', 'a\nb', 'x'.repeat(64)])('%j is no name', async (name) => {
  await expect(add({ name, disks: [{ path: disk }] })).rejects.toMatchObject({ code: 'usage' });
});

test('a file that is named twice is refused, and a state directory that others may change', async () => {
  await expect(add({ name: 'x', disks: [{ path: disk }, { path: disk }] })).rejects.toMatchObject({
    code: 'usage',
  });
  const open = join(folder, 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  await expect(openHostState(open)).rejects.toMatchObject({ code: 'image_link_unsafe' });
});
