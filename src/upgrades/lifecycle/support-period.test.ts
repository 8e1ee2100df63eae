import { expect, test } from 'vitest';
import { parseDistroInfo } from './parse-distro-info.ts';
import { periodOf, supportPeriod } from './support-period.ts';

const debian = `version,codename,series,created,release,eol,eol-lts,eol-elts
12,Bookworm,bookworm,2021-08-14,2023-06-10,2026-07-11,2028-06-30,2033-06-30
14,Forky,forky,2025-08-09
`;
const ubuntu = `version,codename,series,created,release,eol,eol-server,eol-esm
22.04 LTS,Jammy Jellyfish,jammy,2021-10-14,2022-04-21,2027-06-01,2027-06-02,2032-04-09
`;

test('the columns are found by their names, and releases to come have no end', () => {
  expect(parseDistroInfo(debian)).toEqual([
    { version: '12', series: 'bookworm', supportEnds: '2026-07-11', longTermEnds: '2028-06-30' },
    { version: '14', series: 'forky', supportEnds: undefined, longTermEnds: undefined },
  ]);
  expect(parseDistroInfo(ubuntu)).toEqual([
    { version: '22.04', series: 'jammy', supportEnds: '2027-06-02', longTermEnds: undefined },
  ]);
});

test.each([
  ['2026-07-11', { status: 'supported', until: '2026-07-11' }],
  ['2026-07-12', { status: 'long-term', until: '2028-06-30' }],
  ['2028-07-01', { status: 'ended', until: '2028-06-30' }],
] as const)('on %s bookworm is %o', (today, expected) => {
  const [bookworm] = parseDistroInfo(debian);
  expect(bookworm && periodOf(bookworm, today)).toEqual(expected);
});

test('a release that nobody knows is unknown, not supported', async () => {
  const now = new Date('2026-11-21');
  const known = { id: 'debian', versionId: '11', versionCodename: 'bullseye' } as const;
  expect(await supportPeriod(known, now)).toMatchObject({ status: 'ended' });
  expect(await supportPeriod({ ...known, versionId: '99', versionCodename: 'none' }, now)).toMatchObject({
    status: 'unknown',
  });
});
