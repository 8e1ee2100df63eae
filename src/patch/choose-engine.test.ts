import { expect, test } from 'vitest';
import type { KvmState } from '../appliance/acceleration.ts';
import { chooseEngine, type EngineConditions } from './choose-engine.ts';

const absent: KvmState = { state: 'absent', detail: 'there is no /dev/kvm' };

function host(trusted: boolean, isRoot: boolean, kvm: KvmState = absent): EngineConditions {
  return { trusted, isRoot, kvm: () => Promise.resolve(kvm) };
}

test('a plan chooses without any condition, because it runs nothing', async () => {
  expect((await chooseEngine('auto')).engine.id).toBe('appliance');
});

test.each([
  [host(false, true), 'appliance', 'nobody declares trusted'],
  [host(true, false), 'appliance', 'without root'],
  [host(true, true, { state: 'usable' }), 'appliance', 'KVM works'],
  [host(true, true), 'namespace', 'there is no /dev/kvm'],
])('auto decides, and says why (%#)', async (conditions, id, reason) => {
  const chosen = await chooseEngine('auto', conditions);
  expect(chosen.engine.id).toBe(id);
  expect(chosen.engineReason).toContain(reason);
});

test('KVM is asked for only where the answer decides', async () => {
  const kvm = () => Promise.reject(new Error('asked'));
  expect((await chooseEngine('auto', { ...host(false, true), kvm })).engine.id).toBe('appliance');
  expect((await chooseEngine('namespace', { ...host(true, true), kvm })).engine.id).toBe('namespace');
  await expect(chooseEngine('auto', { ...host(true, true), kvm })).rejects.toThrow('asked');
});

test.each([
  [host(false, true), 'trust_required', '--trust-image'],
  [host(true, false), 'root_required', 'sudo'],
])('namespace refuses with what is missing, and says what to do (%#)', async (conditions, code, advice) => {
  await expect(chooseEngine('namespace', conditions)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(advice) as string,
  });
});

test('a trusted image and root are enough', async () => {
  const chosen = await chooseEngine('namespace', host(true, true));
  expect(chosen.engineReason).toBe('asked for by the operator');
});
