import { compareReleases } from '../../guest/boot/compare-releases.ts';
import { readInitramfsReleases } from '../../guest/boot/read-initramfs-releases.ts';
import type { GrubMenu } from '../../guest/boot/parse-grub-menu.ts';
import type { FileTree } from '../../guest/file-tree.ts';
import type { Kernel } from '../../guest/types.ts';
import type { UpgradePlan } from '../plan.ts';
import { type Check, judge } from './types.ts';

const initramfsLimit = 512 * 1024 * 1024;

/** What of a guest decides how it starts. */
export interface BootState {
  readonly kernels: readonly Kernel[];
  readonly menu: GrubMenu | undefined;
}

/**
 * Kernel, initramfs and boot entry must agree: the planned kernels are there, each with its modules and an initramfs
 * that was built for it, the newest one starts when nobody chooses, and it gets the arguments that the one before got.
 */
export async function checkBoot(
  plan: UpgradePlan,
  { kernels: before, menu: menuBefore }: BootState,
  { kernels: after, menu: menuAfter }: BootState,
  tree: FileTree,
): Promise<Check> {
  const planned = plan.changes
    .filter(({ name, to }) => to !== null && /^linux-image-\d/.test(name))
    .map(({ name }) => name.slice('linux-image-'.length).replace(/-unsigned$/, ''));
  const hasMenu = before.some(({ inBootMenu }) => inBootMenu);
  const problems: string[] = [];
  for (const release of planned) {
    const kernel = after.find((candidate) => candidate.release === release);
    problems.push(
      ...(kernel ? await problemsOf(kernel, hasMenu, before, tree) : [`kernel ${release} is not there`]),
    );
  }
  for (const { release, inBootMenu } of before) {
    const kernel = after.find((candidate) => candidate.release === release);
    if (kernel && inBootMenu && !kernel.inBootMenu)
      problems.push(`kernel ${release} is no longer in the boot menu`);
  }
  const newest = after
    .filter(({ image }) => image !== undefined)
    .toSorted((a, b) => compareReleases(b.release, a.release))[0];
  const startedNewest =
    before.toSorted((a, b) => compareReleases(b.release, a.release))[0]?.bootsByDefault ?? false;
  if (hasMenu && startedNewest && newest && !newest.bootsByDefault) {
    problems.push(`the boot menu does not start the newest kernel, ${newest.release}`);
  }
  const argumentsBefore = menuBefore?.defaultEntry?.arguments.join(' ');
  const argumentsAfter = menuAfter?.defaultEntry?.arguments.join(' ');
  if (argumentsBefore !== argumentsAfter) {
    problems.push(
      `the kernel was started with "${argumentsBefore ?? ''}", and would be with "${argumentsAfter ?? ''}"`,
    );
  }
  const started = after.find(({ bootsByDefault }) => bootsByDefault)?.release;
  return judge(
    'boot',
    problems,
    started === undefined ? 'the image has no boot menu of its own' : `starts kernel ${started}`,
  );
}

async function problemsOf(
  kernel: Kernel,
  hasMenu: boolean,
  before: readonly Kernel[],
  tree: FileTree,
): Promise<readonly string[]> {
  const problems: string[] = [];
  if (kernel.image === undefined) problems.push(`kernel ${kernel.release} has no image in /boot`);
  if (kernel.modules === undefined) problems.push(`kernel ${kernel.release} has no modules`);
  if (hasMenu && !kernel.inBootMenu) problems.push(`kernel ${kernel.release} is not in the boot menu`);
  if (kernel.initramfs === undefined) {
    if (before.some(({ initramfs }) => initramfs !== undefined)) {
      problems.push(`kernel ${kernel.release} has no initramfs`);
    }
    return problems;
  }
  const { releases, gaps } = await readInitramfsReleases(
    tree.readFile(kernel.initramfs, { limit: initramfsLimit }),
  );
  if (releases.size > 0 && !releases.has(kernel.release)) {
    problems.push(`${kernel.initramfs} was built for ${[...releases].join(', ')}`);
  }
  if (releases.size === 0) {
    problems.push(
      gaps.length > 0
        ? `${kernel.initramfs} could not be read: ${gaps.map(({ detail }) => detail).join(', ')}`
        : `${kernel.initramfs} holds no modules`,
    );
  }
  return problems;
}
