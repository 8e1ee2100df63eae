import { expect, test } from 'vitest';
import { cpioArchive } from '../../guest/fixtures/cpio-archive.ts';
import { memoryTree } from '../../guest/fixtures/memory-filesystem.ts';
import type { Kernel } from '../../guest/types.ts';
import type { UpgradePlan } from '../plan.ts';
import type { Recording } from '../recording/types.ts';
import { checkBoot, type BootState } from './check-boot.ts';

const [old, next] = ['6.1.0-9-amd64', '6.1.0-40-amd64'] as const;
const file = { type: 'file', mode: 0o644, uid: 0, gid: 0, size: 1 } as const;

function kernel(release: string, change: Partial<Kernel> = {}): Kernel {
  return {
    release,
    image: `/boot/vmlinuz-${release}`,
    initramfs: `/boot/initrd.img-${release}`,
    modules: `/lib/modules/${release}`,
    inBootMenu: true,
    bootsByDefault: false,
    ...change,
  };
}

/** `builtFor` says for which kernel each initramfs was built, when not for its own. */
function state(kernels: readonly Kernel[], builtFor: Readonly<Record<string, string>> = {}): BootState {
  const images = kernels.map(({ release }): [string, Uint8Array] => {
    const modules = `usr/lib/modules/${builtFor[release] ?? release}/modules.dep`;
    return [`boot/initrd.img-${release}`, cpioArchive({ [modules]: 'x' })];
  });
  return { kernels, menu: undefined, tree: memoryTree(Object.fromEntries(images)) };
}

const rebuilt: Recording = {
  changes: [{ path: `/boot/initrd.img-${old}`, kind: 'changed', what: ['content'], file }],
};

async function check(
  before: BootState,
  after: BootState,
  changes: readonly (readonly [name: string, to: string | null])[] = [],
  recording: Recording = rebuilt,
): Promise<string> {
  const common = { architecture: 'amd64', from: '1', suite: null, downloadSize: 0 };
  const planned = changes.map(([name, to]) => ({ ...common, name, to }));
  const found = await checkBoot({ changes: planned } as unknown as UpgradePlan, before, after, recording);
  return found.ok ? 'ok' : found.detail;
}

const started = kernel(old, { bootsByDefault: true });
const before = state([started]);

test('an upgrade that leaves the kernels as they were passes', async () =>
  expect(await check(before, before)).toBe('ok'));

test.each([
  ['signed', `linux-image-${next}`],
  ['unsigned, of Ubuntu', `linux-image-unsigned-${next}`],
])('a planned kernel must be there: %s', async (_, name) => {
  expect(await check(before, before, [[name, '2']])).toContain(`kernel ${next} is not there`);
  const after = state([kernel(old), kernel(next, { bootsByDefault: true })]);
  expect(await check(before, after, [[name, '2']])).toBe('ok');
});

test('the symbols of a kernel are no kernel', async () =>
  expect(await check(before, before, [[`linux-image-${next}-dbg`, '2']])).toBe('ok'));

test('an initramfs that was made anew for a kernel of before is read', async () => {
  const after = state([started], { [old]: next });
  expect(await check(before, after)).toContain(`was built for ${next}`);
  expect(await check(before, after, [], { changes: [] })).toBe('ok');
  expect(await check(after, after)).toBe('ok');
});

test('a kernel goes only when that was planned', async () => {
  const two = state([kernel(old), kernel(next, { bootsByDefault: true })]);
  const after = state([kernel(next, { bootsByDefault: true })]);
  expect(await check(two, after)).toContain(`kernel ${old} is gone`);
  expect(await check(two, state([kernel(old, { image: undefined } as never), ...after.kernels]))).toContain(
    'is gone',
  );
  expect(await check(two, after, [[`linux-image-${old}`, null]])).toBe('ok');
});

test('modules of a kernel that is gone do not count as the newest', async () => {
  const { image: _, ...leftOver } = kernel('7.0.0-1-amd64');
  const after = state([kernel(old), kernel(next), leftOver]);
  const change = [[`linux-image-${next}`, '2']] as const;
  expect(await check(state([started, leftOver]), after, change)).toContain(
    'does not start the newest kernel',
  );
});
