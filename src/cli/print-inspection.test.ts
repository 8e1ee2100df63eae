import { expect, test } from 'vitest';
import type { Inspection } from '../guest/inspection.ts';
import type { Answer } from '../lib/worker-pool.ts';
import { inspectCommand, type InspectOptions } from './commands/inspect.ts';
import { printJson } from './print-json.ts';
import { printTable } from './print-table.ts';

const hostile = 'a\u001b]0;title\u0007\u009b2J\u202eb\nc';
const inspection: Inspection = {
  image: {
    path: 'disk.qcow2',
    format: 'qcow2',
    compression: null,
    virtualSize: 8 * 1024 ** 3,
    fileSize: 1536,
    chain: [],
  },
  layout: {
    partitionTable: 'gpt',
    volumes: [
      {
        name: 'partition 1',
        start: 1048576,
        size: 1048576,
        type: 'x',
        manager: null,
        container: null,
        uuid: null,
        label: hostile,
        filesystem: 'ext4',
        free: 4096,
        clean: false,
        mountPoint: '/',
      },
    ],
  },
  operatingSystem: null,
  packages: [{ name: hostile, version: '1', architecture: 'amd64', manager: 'dpkg' }],
  kernels: [{ release: '6.1', image: '/boot/vmlinuz-6.1', inBootMenu: true, bootsByDefault: true }],
  boot: { loader: 'grub', firmware: ['bios'] },
  identity: { hostName: hostile, hostKeys: [] },
  state: {
    clean: false,
    hibernated: true,
    lastBootAt: null,
    lastShutdownAt: null,
    lastPackageChangeAt: null,
    pendingOfflineUpdate: false,
    brokenPackages: [{ name: 'x', architecture: 'amd64', state: hostile }],
  },
  gaps: [{ where: '/var', reason: 'unsupported', detail: hostile }],
};

async function run(
  options: Partial<InspectOptions>,
  answers: readonly Answer<Inspection>[] = [{ value: inspection }],
) {
  let printed = '';
  let errors = '';
  const exitCode = await inspectCommand(
    {
      inspect: async function* () {
        yield* answers;
      },
      print: (text) => {
        printed += text;
      },
      printError: (text) => {
        errors += text;
      },
    },
    {
      paths: answers.map((_, index) => `disk-${index}.qcow2`),
      outputFormat: 'table',
      packages: false,
      ...options,
    },
  );
  return { printed, errors, exitCode };
}

test.each([
  { packages: false },
  { packages: true },
  ...(['json', 'cyclonedx', 'spdx'] as const).map((outputFormat) => ({ outputFormat })),
])('nothing of the image commands the terminal: %j', async (options) => {
  const one = await run(options);
  const many = await run(options, [
    { value: inspection },
    { error: { code: 'image_corrupt', message: hostile } },
  ]);
  expect(one.printed + many.printed + many.errors).not.toMatch(/[^\n\P{Cc}]|\p{Cf}/u);
});

test('JSON keeps the values as they are', async () => {
  const { printed } = await run({ outputFormat: 'json' });
  expect(JSON.parse(printed)).toEqual(inspection);
  expect(JSON.parse(printJson('\u{e0001}\ud800"'))).toBe('\u{e0001}\ud800"');
});

test('several images are one document a line, and the worst of them is the exit code', async () => {
  const error = { code: 'image_corrupt', message: 'Expected a header, found none.' } as const;
  const answers = [{ value: inspection }, { error }, { value: inspection }];
  const { printed, exitCode } = await run({ outputFormat: 'json' }, answers);
  const documents = printed
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  expect(documents).toEqual([inspection, { image: { path: 'disk-1.qcow2' }, error }, inspection]);
  expect(exitCode).toBe(1);
  const table = await run({}, answers);
  expect(table.errors).toBe('disk-1.qcow2: error image_corrupt: Expected a header, found none.\n');
});

test('one image that cannot be read is a failure', async () => {
  const error = { code: 'image_corrupt', message: 'Expected a header.' } as const;
  await expect(run({}, [{ error }])).rejects.toMatchObject(error);
});

test('gaps and the state stand before all the rest', async () => {
  const { printed: text } = await run({});
  expect(text).toContain('1 gap: this part of the image was not read\n  /var  unsupported');
  expect(text.indexOf('gap')).toBeLessThan(text.indexOf('System'));
  expect(text).toContain('The machine is hibernated.');
  expect(text).toContain('none that is known');
  expect(text).toContain('1 packages installed (--packages lists them)');
});

test('columns are aligned', () => {
  expect(
    printTable(
      ['name', 'size'],
      [
        ['a', 5],
        ['longer', 1234],
      ],
    ),
  ).toEqual(['name    size', 'a          5', 'longer  1234']);
});
