import { expect, test } from 'vitest';
import { expectOnlyRefusals, readFacts, readRecords } from '../advisory-fixture.ts';
import { epss } from './index.ts';

const table = [
  '#model_version:v2023.03.01,score_date:2024-06-01T00:00:00+0000',
  'cve,epss,percentile',
  'CVE-1999-0001,0.00383,0.72654',
  'CVE-2024-6387,1.0,1.0',
  'CVE-2024-0001,4.3e-05,0.1',
  '',
].join('\n');

test('says how probable it is that each is exploited', async () => {
  const facts = [
    { vulnerability: 'CVE-1999-0001', exploitProbability: 0.00383 },
    { vulnerability: 'CVE-2024-6387', exploitProbability: 1 },
    { vulnerability: 'CVE-2024-0001', exploitProbability: 0.000043 },
  ];
  expect(await readFacts(epss, table)).toEqual(facts);
  expect(await readFacts(epss, table.replaceAll('\n', '\r\n').trimEnd())).toEqual(facts);
  expect(await readRecords(epss, table, 1)).toHaveLength(3);
});

test.each([
  ['a probability above 1', 'cve,epss\nCVE-2024-0001,1.5'],
  ['no probability', 'cve,epss\nCVE-2024-0001,'],
  ['no number', 'cve,epss\nfoo,0.5'],
  ['a line that never ends', `cve,epss\n${'x'.repeat(2000)}`],
  ['another table', 'name,score\nCVE-2024-0001,0.5'],
])('refuses %s', async (_name, text) => {
  await expect(readRecords(epss, text)).rejects.toThrow(
    expect.objectContaining({ code: 'advisories_invalid' }),
  );
});

test('an altered table is refused by its own error', () => expectOnlyRefusals(epss, table));
