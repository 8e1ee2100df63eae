/**
 * Guests that boot, measured by their firmware into a real vTPM, with a secret sealed to what was measured and to a counter:
 * it does not unseal after a patch, does again after a rollback, and a part that is put back by hand is noticed.
 */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CommandResult, runColdpatch } from './support/command-line-fixture.ts';
import {
  type Firmware,
  type GuestMachine,
  type GuestReport,
  makeGuestMachine,
  patchGuestMachine,
  runGuestMachine,
} from './support/measured-guest.ts';

const bootSeconds = 600;

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'sealed-')));
});
afterEach(() => rmSync(folder, { recursive: true }));

function coldpatch(...args: readonly string[]): Promise<CommandResult> {
  return runColdpatch({ args, environment: { COLDPATCH_STATE_DIRECTORY: join(folder, 'state') } });
}

async function done(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await coldpatch(...args);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
}

/** All that looks at the machine says so, and nothing is taken of it. */
async function expectNoticed(words: RegExp): Promise<void> {
  for (const args of [
    ['list', 'web'],
    ['show', 'web', '1'],
    ['verify', 'web'],
  ]) {
    const { exitCode, stdout, stderr } = await coldpatch('generations', ...args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 4, stderr: '' });
    expect(stdout).toMatch(words);
  }
  const taken = await coldpatch('generations', 'take', 'web');
  expect(taken.exitCode).toBe(3);
  expect(taken.stderr).toContain('error machine_put_back');
  expect(taken.stderr).toMatch(words);
}

const firmwares: readonly Firmware[] = ['bios', 'uefi'];

test.each(firmwares)('a guest of %s keeps its secret', async (firmware) => {
  const workDirectory = join(folder, 'work');
  const machine: GuestMachine = {
    firmware,
    disk: join(folder, 'disk.raw'),
    tpm: join(folder, 'tpm'),
    variables: join(folder, 'variables.fd'),
  };
  const boot = (): Promise<GuestReport> =>
    runGuestMachine(machine, { workDirectory, timeoutSeconds: bootSeconds });
  const permanent = join(machine.tpm, 'tpm2-00.permall');

  await makeGuestMachine(machine, workDirectory);
  const sealed = await boot();
  expect(sealed).toMatchObject({
    outcome: 'sealed',
    counter: 2n,
    // The kernel itself says whether it was started by Secure Boot.
    lockdown: firmware === 'uefi' ? 'integrity' : 'none',
  });
  for (const value of Object.values(sealed.pcrs)) expect(value).not.toMatch(/^(0+|F+)$/);

  const variables = firmware === 'uefi' ? [`--uefi-vars=${machine.variables}`] : [];
  await done('machine', 'add', 'web', `--disk=${machine.disk}`, `--tpm=${machine.tpm}`, ...variables);
  await done('generations', 'take', 'web', '--reason', 'before the patch');
  const saved = join(folder, 'saved');
  mkdirSync(saved);
  copyFileSync(machine.disk, join(saved, 'disk'));
  copyFileSync(permanent, join(saved, 'tpm'));
  const variablesBefore = firmware === 'uefi' ? readFileSync(machine.variables) : undefined;

  const copy = `${machine.disk}.copy`;
  copyFileSync(machine.disk, copy);
  patchGuestMachine({ ...machine, disk: copy }, workDirectory);
  renameSync(copy, machine.disk);
  const patched = await boot();
  expect(patched).toMatchObject({ outcome: 'refused at unseal', counter: 3n });
  const moved = firmware === 'uefi' ? '8' : '4';
  expect(patched.pcrs[moved]).not.toBe(sealed.pcrs[moved]);
  expect(await done('generations', 'list', 'web')).not.toContain('found:');
  await done('generations', 'verify', 'web');
  await done('generations', 'take', 'web', '--reason', 'after the patch');

  renameSync(machine.disk, join(saved, 'patched'));
  copyFileSync(join(saved, 'disk'), machine.disk);
  await expectNoticed(/disk0 .* was put back by hand to generation 1, without the rest of the machine/);
  renameSync(join(saved, 'patched'), machine.disk);
  await done('generations', 'list', 'web');

  copyFileSync(join(saved, 'tpm'), permanent);
  await expectNoticed(/tpm2-00\.permall .* was put back by hand to generation 1/);
  await expectNoticed(
    /the vTPM is older than generation 2, or was cleared: its counter "nv 1500016" went from 3 to 2/,
  );

  const rolledBack = await done('generations', 'rollback', 'web', '--generation', '1');
  expect(rolledBack).toMatch(/Before the rollback, found: tpm2-00\.permall/);
  if (variablesBefore) expect(readFileSync(machine.variables).equals(variablesBefore)).toBe(true);
  expect(await boot()).toMatchObject({
    outcome: 'unsealed the key of the disk',
    counter: 2n,
    pcrs: sealed.pcrs,
  });
  await done('generations', 'verify', 'web');
});
