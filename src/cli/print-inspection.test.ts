import { expect, test } from 'vitest';
import type { Inspection } from '../guest/inspection.ts';
import { inspectCommand } from './commands/inspect.ts';
import { printJson } from './print-json.ts';
import { printTable } from './print-table.ts';

const hostile = 'a\u001b]0;title\u0007\u009b2J\u202eb\nc';
const inspection: Inspection = {
  image: { path: 'disk.qcow2', format: 'qcow2', virtualSize: 8 * 1024 ** 3, fileSize: 1536, chain: [] },
  layout: {
    partitionTable: 'gpt',
    volumes: [
      {
        name: 'partition 1',
        start: 1048576,
        size: 1048576,
        type: 'x',
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
    brokenPackages: [{ name: 'x', architecture: 'amd64', state: hostile }],
  },
  gaps: [{ where: '/var', reason: 'unsupported', detail: hostile }],
};

function run(options: { readonly json?: boolean; readonly packages?: boolean }): string {
  let printed = '';
  const io = {
    inspect: () => inspection,
    print: (text: string) => {
      printed += text;
    },
  };
  inspectCommand(io, { path: 'disk.qcow2', json: false, packages: false, ...options });
  return printed;
}

test.each([{}, { packages: true }, { json: true }])(
  'nothing of the image commands the terminal: %j',
  (options) => {
    expect(run(options)).not.toMatch(/[^\n\P{Cc}]|\p{Cf}/u);
  },
);

test('JSON keeps the values as they are', () => {
  expect(JSON.parse(run({ json: true }))).toEqual(inspection);
  expect(JSON.parse(printJson('\u{e0001}\ud800"'))).toBe('\u{e0001}\ud800"');
});

test('gaps and the state stand before all the rest', () => {
  const text = run({});
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
