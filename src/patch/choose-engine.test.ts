import { expect, test } from 'vitest';
import { chooseEngine } from './choose-engine.ts';

test('a plan chooses without any condition, because it runs nothing', () => {
  expect(chooseEngine('auto').engine.id).toBe('namespace');
});

test.each([
  [{ trusted: false, isRoot: true }, 'trust_required', '--trust-image'],
  [{ trusted: true, isRoot: false }, 'root_required', 'sudo'],
])('with %j it refuses with %s and says what to do', (conditions, code, advice) => {
  expect(() => chooseEngine('namespace', conditions)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(advice) }),
  );
});

test('a trusted image and root are enough', () => {
  const chosen = chooseEngine('namespace', { trusted: true, isRoot: true });
  expect(chosen.engineReason).toBe('asked for by the operator');
});
