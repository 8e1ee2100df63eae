import { expect, test } from 'vitest';
import { describeIsolation } from './describe-isolation.ts';

test('the report says what is missing', () => {
  const usable = { state: 'usable', detail: 'started' } as const;
  expect(describeIsolation('inside', usable, true)).toBe('inside, under KVM');
  expect(describeIsolation('inside', usable, false)).toMatch(
    /^inside, whose QEMU has no namespaces .*, under KVM$/,
  );
  const none = { state: 'absent', detail: 'hangs' } as const;
  expect(describeIsolation('inside', none, true)).toContain('no isolation');
});
