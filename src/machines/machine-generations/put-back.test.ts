import { expect, test } from 'vitest';
import type { LastState } from './last-state.ts';
import { findPutBack, placeMembers } from './put-back.ts';

const generation = (number: number, ...digests: readonly string[]) => ({
  number,
  manifest: { members: digests.map((sha256, index) => ({ name: `disk${index}`, sha256 })) } as never,
});
const generations = [generation(1, 'a', 'x'), generation(2, 'b', 'y')];
const last: LastState = {
  generation: 2,
  digests: new Map([
    ['disk0', 'b'],
    ['disk1', 'y'],
  ]),
  counters: { resets: 4, restarts: 0, clock: 9, nv: { '1500016': '3' } },
  ancestors: new Set([2, 1]),
};
const present = (...digests: readonly (string | null)[]) =>
  digests.map((sha256, index) => ({ name: `disk${index}`, path: `/${index}`, sha256 }));
const findings = (...digests: readonly (string | null)[]) =>
  findPutBack(placeMembers(present(...digests), generations, last), last, undefined);

test('a machine that only ran is in order', () => {
  expect(findings('b', 'y')).toEqual([]);
  expect(findings('new', 'y')).toEqual([]);
  expect(findings('new', 'other')).toEqual([]);
});

test('a member with the bytes of an earlier generation was put back', () => {
  expect(findings('a', 'y')).toEqual([
    'disk0 (/0) was put back by hand to generation 1, without the rest of the machine',
  ]);
  expect(findings('a', 'x')).toEqual(['the whole machine was put back by hand to generation 1']);
  expect(findings(null, 'y')).toEqual(['/0 is missing']);
});

test('what a promotion left is the last state, and the generation before it an earlier one', () => {
  const promoted = { ...last, digests: new Map([...last.digests, ['disk0', 'patched']]) };
  const of = (...digests: readonly string[]) =>
    findPutBack(placeMembers(present(...digests), generations, promoted), promoted, undefined);
  expect(of('patched', 'y')).toEqual([]);
  expect(of('b', 'y')).toEqual([
    expect.stringMatching(/^the whole machine was put back by hand to generation 2$/) as string,
  ]);
  expect(of('b', 'new')).toEqual([expect.stringMatching(/^disk0 .* generation 2, without/) as string]);
});

test('UEFI variables may become again what they were in a branch that a rollback left, and not what they were before', () => {
  const member = { name: 'uefi-variables', path: '/v', sha256: 'v' };
  const kept = [{ number: 1, manifest: { members: [member] } as never }];
  const of = (ancestors: readonly number[]) =>
    placeMembers([member], kept, { ...last, ancestors: new Set(ancestors) })[0]?.state;
  expect(of([2, 1])).toBe('older');
  expect(of([2])).toBe('changed');
});

test('a vTPM that counts less is older', () => {
  const members = placeMembers(present('b', 'new'), generations, last);
  const counters = { resets: 3, restarts: 0, clock: 1, nv: { '1500016': '2' } };
  expect(findPutBack(members, last, counters)).toEqual([
    'the vTPM is older than generation 2, or was cleared: its counter "resets" went from 4 to 3',
    'the vTPM is older than generation 2, or was cleared: its counter "nv 1500016" went from 3 to 2',
  ]);
});

test('without a last state nothing can be said', () => {
  const members = placeMembers(present('a', 'y'), generations, undefined);
  expect(findPutBack(members, undefined, { resets: 0, restarts: 0, clock: 0, nv: {} })).toEqual([]);
});
