import { expect, test } from 'vitest';
import { bootTestWishes } from './boot-test-wishes.ts';

const flags = { timeLimit: 900, memory: 1024 };

test('flags become wishes', () => {
  expect(bootTestWishes({ ...flags, probe: ['tcp:80'], evidence: '/nonexistent/../x' })).toEqual({
    probes: [{ kind: 'tcp', port: 80 }],
    timeLimitSeconds: 900,
    memoryMebibytes: 1024,
    evidence: '/x',
  });
});

test.each([
  ['no time', { ...flags, timeLimit: 0 }],
  ['too little memory', { ...flags, memory: 1 }],
  ['too much of it', { ...flags, memory: 1_000_000 }],
  ['too many probes', { ...flags, probe: Array.from({ length: 101 }, () => 'tcp:80') }],
  ['no probe at all', { ...flags, probe: ['http'] }],
  ['a folder that holds something', { ...flags, evidence: '/usr' }],
])('%s is wrong use', (_, wrong) =>
  expect(() => bootTestWishes(wrong)).toThrow(expect.objectContaining({ code: 'usage' })),
);
