import { expect, test } from 'vitest';
import { bootTestCommand } from './boot-test.ts';
import { type AddOptions, addMachineCommand } from './machine.ts';

const io = { print: () => undefined, stderr: process.stderr };
const plain = {
  json: false,
  connect: 'test:///default',
  tpmKeyKind: 'hex',
  tpmKeyMode: 'aes-256-cbc',
} as const;

test.each<[string, Partial<AddOptions>]>([
  ['--qmp', { libvirt: 'web', qmp: '/q' }],
  ['--agent', { libvirt: 'web', agent: '/a' }],
  ['--image-format', { libvirt: 'web', imageFormat: 'raw' }],
  ['--disk', { libvirt: 'web', disk: ['/d'] }],
  ['--tpm-model', { libvirt: 'web', tpmModel: 'tpm-crb' }],
  ['--image-format', { qmp: '/q', imageFormat: 'qcow2' }],
  ['--machine-type', { qmp: '/q', machineType: 'pc' }],
  ['--firmware-code', { qmp: '/q', firmwareCode: '/f' }],
  ['--disk-bus', { qmp: '/q', diskBus: 'ide' }],
  ['--tpm-model', { qmp: '/q', tpmModel: 'tpm-tis' }],
  ['--uefi-vars', { qmp: '/q', uefiVars: '/u' }],
])('%s is refused where the machine itself is asked', async (option, options) => {
  const added = addMachineCommand(io, 'web', { ...plain, ...options });
  await expect(added).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining(`found ${option} too`) as string,
  });
});

test('a boot test of a machine takes nothing that its definition says', async () => {
  const options = { path: undefined, machine: 'web', json: false, timeLimit: 1, memory: 1 };
  for (const more of [{ format: 'raw' as const }, { backing: ['/b'] }])
    await expect(bootTestCommand(io, { ...options, ...more })).rejects.toMatchObject({ code: 'usage' });
});
