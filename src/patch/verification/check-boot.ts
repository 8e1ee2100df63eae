import { compareReleases } from '../../guest/boot/compare-releases.ts';
import { readInitramfsReleases } from '../../guest/boot/read-initramfs-releases.ts';
import type { GrubMenu } from '../../guest/boot/parse-grub-menu.ts';
import type { FileTree } from '../../guest/file-tree.ts';
import type { Kernel } from '../../guest/types.ts';
import { kernelReleaseOf } from '../kernel-release-of.ts';
import type { UpgradePlan } from '../plan.ts';
import type { Recording } from '../recording/types.ts';
import { type Check, judge } from './types.ts';

const initramfsLimit = 512 * 1024 * 1024;

/** What of a guest decides how it starts. */
export interface BootState {
  readonly kernels: readonly Kernel[];
  readonly menu: GrubMenu | undefined;
  readonly tree: FileTree;
}

/**
 * Kernel, initramfs and boot entry must agree: the planned kernels are there, each with its modules and an initramfs
 * that was built for it, and so is every other kernel that there was; the newest one starts when nobody chooses, and it
 * gets the arguments that the one before got.
 */
export async function checkBoot(
  plan: UpgradePlan,
  { kernels: allBefore, menu: menuBefore, tree: treeBefore }: BootState,
  { kernels: after, menu: menuAfter, tree }: BootState,
  recording: Recording,
): Promise<Check> {
  const before = allBefore.filter(({ image }) => image !== undefined);
  const planned = releasesOf(plan.changes.filter(({ to }) => to !== null));
  const removed = releasesOf(plan.changes.filter(({ to }) => to === null));
  const rebuilt = new Set(
    recording.changes
      .filter(({ kind, what }) => kind === 'added' || what?.includes('content'))
      .map(({ path }) => path),
  );
  const hasMenu = before.some(({ inBootMenu }) => inBootMenu);
  const problems: string[] = [];
  for (const release of planned) {
    const kernel = after.find((candidate) => candidate.release === release);
    problems.push(
      ...(kernel ? await problemsOf(kernel, hasMenu, before, tree) : [`kernel ${release} is not there`]),
    );
  }
  for (const old of before.filter(({ release }) => !planned.has(release) && !removed.has(release))) {
    const kernel = after.find(({ release }) => release === old.release);
    if (kernel?.image === undefined) {
      problems.push(`kernel ${old.release} is gone, and that was not planned`);
      continue;
    }
    if (old.inBootMenu && !kernel.inBootMenu)
      problems.push(`kernel ${old.release} is no longer in the boot menu`);
    if (kernel.initramfs === undefined) {
      if (old.initramfs !== undefined) problems.push(`kernel ${old.release} has no initramfs`);
      continue;
    }
    const found = rebuilt.has(kernel.initramfs) ? await initramfsProblems(kernel, tree) : [];
    // What was no better before is no fault of the upgrade.
    if (found.length > 0 && (await initramfsProblems(old, treeBefore)).length === 0) problems.push(...found);
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
  return [...problems, ...(await initramfsProblems(kernel, tree))];
}

async function initramfsProblems({ release, initramfs }: Kernel, tree: FileTree): Promise<readonly string[]> {
  if (initramfs === undefined) return [];
  const { releases, gaps } = await readInitramfsReleases(tree.readFile(initramfs, { limit: initramfsLimit }));
  if (releases.has(release)) return [];
  if (releases.size > 0) return [`${initramfs} was built for ${[...releases].join(', ')}`];
  if (gaps.length === 0) return [`${initramfs} holds no modules`];
  return [`${initramfs} could not be read: ${gaps.map(({ detail }) => detail).join(', ')}`];
}

function releasesOf(changes: UpgradePlan['changes']): ReadonlySet<string> {
  return new Set(changes.flatMap(({ name }) => kernelReleaseOf(name) ?? []));
}
