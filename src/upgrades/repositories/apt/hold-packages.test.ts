import { expect, test } from 'vitest';
import { holdPackages } from './hold-packages.ts';
import { installedSelections } from './installed-selections.ts';

const stanza = (name: string): string =>
  `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nDescription: gr\xfcn\n Status: install ok\n`;
const status = Buffer.from(['bash', 'bash-doc', 'linux-image-6.1', 'sed'].map(stanza).join('\n'), 'latin1');

test('packages and beginnings of names are held, and every other byte stays', () => {
  const held = holdPackages(status, ['bash', 'linux-image-*']);
  expect(installedSelections(held).map(({ name, held: on }) => [name, on])).toEqual([
    ['bash', true],
    ['bash-doc', false],
    ['linux-image-6.1', true],
    ['sed', false],
  ]);
  const back = Buffer.from(held).toString('latin1').replaceAll('Status: hold ok', 'Status: install ok');
  expect(back).toBe(status.toString('latin1'));
  expect(holdPackages(status, [])).toBe(status);
});
