import { expect, test } from 'vitest';
import { queueOf, queuesOf } from './queue-names.ts';

const sources = [
  { id: 'shared' },
  { id: 'left', hosts: ['alpha', 'beta'] },
  { id: 'same', hosts: ['beta', 'alpha', 'beta'] },
  { id: 'right', hosts: ['gamma'] },
];

function takes(host: string, step: 'inspect' | 'upgrade', source: string): boolean {
  return queuesOf(sources, host).some(({ name }) => name === queueOf(step, source, sources));
}

test('a step goes to the hosts that see its source, and to no other', () => {
  expect(['alpha', 'beta', 'gamma'].map((host) => takes(host, 'upgrade', 'left'))).toEqual([
    true,
    true,
    false,
  ]);
  expect(['alpha', 'gamma', 'delta'].map((host) => takes(host, 'inspect', 'shared'))).toEqual([
    true,
    true,
    true,
  ]);
  expect(['alpha', 'gamma'].map((host) => takes(host, 'inspect', 'right'))).toEqual([false, true]);
});

test('there is one queue for each kind of step and group of hosts', () => {
  expect(queueOf('plan', 'left', sources)).toBe(queueOf('match', 'same', sources));
  expect(queueOf('plan', 'left', sources)).not.toBe(queueOf('upgrade', 'left', sources));
  expect(queuesOf(sources)).toHaveLength(4 * 3);
});
