import { expect, test } from 'vitest';
import { expectOnlyRefusals, readRecords, readStatements } from '../advisory-fixture.ts';
import { alpineSecdb } from './index.ts';

const packages = [
  {
    pkg: {
      name: 'busybox',
      secfixes: { '1.36.1-r2': ['CVE-2022-48174 ALPINE-13661', 'CVE-2023-42363'], '0': ['CVE-2021-42373'] },
    },
  },
  { pkg: { name: 'empty', secfixes: null } },
];
const head = { apkurl: '{{urlprefix}}/{{distroversion}}', archs: ['x86_64'], reponame: 'main' };
const feed = JSON.stringify({ ...head, distroversion: 'v3.19', packages });
const common = { release: 'alpine:3.19', package: 'busybox', packageKind: 'source', severity: 'unknown' };
const fixed = { ...common, status: 'fixed', fixedVersion: '1.36.1-r2' };

const statements = [
  { ...common, status: 'not-affected', vulnerability: 'CVE-2021-42373' },
  { ...fixed, vulnerability: 'CVE-2022-48174' },
  { ...fixed, vulnerability: 'ALPINE-13661' },
  { ...fixed, vulnerability: 'CVE-2023-42363' },
];

test('says which version fixes what', async () => {
  const read = await readStatements(alpineSecdb, feed);
  expect(read).toHaveLength(4);
  expect(read).toEqual(expect.arrayContaining(statements));
});

test('the release may come last', async () => {
  const text = JSON.stringify({ ...head, packages, distroversion: 'v3.19' });
  expect(await readStatements(alpineSecdb, text)).toEqual(await readStatements(alpineSecdb, feed));
});

test.each([
  ['no release', JSON.stringify({ ...head, packages })],
  ['another release', JSON.stringify({ distroversion: 'latest', packages })],
  ['two databases', feed + feed],
  [
    'fixes of no list',
    JSON.stringify({ distroversion: 'v3.19', packages: [{ pkg: { name: 'x', secfixes: 1 } }] }),
  ],
])('refuses %s', async (_name, text) => {
  await expect(readRecords(alpineSecdb, text)).rejects.toThrow(
    expect.objectContaining({ code: 'advisories_invalid' }),
  );
});

test('an altered feed is refused by its own error', () => expectOnlyRefusals(alpineSecdb, feed));
