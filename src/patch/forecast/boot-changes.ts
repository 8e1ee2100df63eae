import type { FileTree } from '../../guest/file-tree.ts';
import type { Gap } from '../../lib/gap.ts';
import { readOrGap } from '../../guest/read-or-gap.ts';
import { kernelReleaseOf } from '../kernel-release-of.ts';
import type { PlannedChange } from '../plan.ts';

/** What of the way a machine starts an upgrade replaces. */
export const bootChangeKinds = [
  'shim',
  'grub',
  'systemd-boot',
  'kernel',
  'initramfs',
  'boot-menu',
  'secure-boot-keys',
] as const;

export type BootChangeKind = (typeof bootChangeKinds)[number];

export interface BootChange {
  readonly kind: BootChangeKind;
  /** False when the upgrade may leave it as it is. */
  readonly isCertain: boolean;
  /** The packages that do it. */
  readonly packages: readonly string[];
}

interface Rule {
  readonly kind: BootChangeKind;
  readonly isCertain: boolean;
  matches(change: PlannedChange, scripts: string): boolean;
}

const isKernel = ({ name }: PlannedChange): boolean => kernelReleaseOf(name) !== undefined;
const arrives = ({ to }: PlannedChange): boolean => to !== null;

const rules: readonly Rule[] = [
  rule('shim', ({ name }) => /^shim(?:$|-signed|-helpers|-unsigned)/.test(name)),
  rule('grub', ({ name }) => /^grub-(?:efi|pc)(?:-(?:amd64|arm64|arm|ia32))?(?:-bin|-signed)?$/.test(name)),
  rule('systemd-boot', ({ name }) => /^systemd-boot(?:$|-efi|-tools)/.test(name)),
  rule('kernel', isKernel),
  rule(
    'initramfs',
    (change, scripts) =>
      isKernel(change) ||
      /^(?:initramfs-tools|dracut|cryptsetup-initramfs|(?:intel|amd64)-microcode)/.test(change.name) ||
      /\bupdate-initramfs\b|\bdracut\b/.test(scripts),
  ),
  rule('secure-boot-keys', ({ name }) => /^secureboot-db$/.test(name)),
  {
    kind: 'boot-menu',
    isCertain: true,
    matches: (change) => isKernel(change) && (change.from === null || change.to === null),
  },
  {
    kind: 'boot-menu',
    isCertain: false,
    matches: (change, scripts) =>
      /^grub-common$/.test(change.name) || /\bupdate-grub\b|\bgrub-mkconfig\b/.test(scripts),
  },
];

function rule(kind: BootChangeKind, matches: Rule['matches']): Rule {
  return { kind, isCertain: true, matches: (change, scripts) => arrives(change) && matches(change, scripts) };
}

const scriptLimit = { limit: 512 * 1024 };

/**
 * What the changes of a plan do to the way the machine starts.
 * Which packages make the initramfs anew is read from the scripts and triggers that the image has of them.
 */
export function bootChanges(
  changes: readonly PlannedChange[],
  tree: FileTree,
  gaps: Gap[],
): readonly BootChange[] {
  const found = new Map<BootChangeKind, { isCertain: boolean; readonly packages: Set<string> }>();
  for (const change of changes) {
    const scripts = scriptsOf(change, tree, gaps);
    for (const { kind, isCertain, matches } of rules) {
      if (!matches(change, scripts)) continue;
      const entry = found.get(kind) ?? { isCertain: false, packages: new Set() };
      entry.isCertain ||= isCertain;
      entry.packages.add(change.name);
      found.set(kind, entry);
    }
  }
  return bootChangeKinds.flatMap((kind) => {
    const entry = found.get(kind);
    return entry ? [{ kind, isCertain: entry.isCertain, packages: [...entry.packages] }] : [];
  });
}

function scriptsOf({ name, architecture }: PlannedChange, tree: FileTree, gaps: Gap[]): string {
  const texts = [name, `${name}:${architecture}`].flatMap((stem) =>
    ['postinst', 'triggers'].map((part) => {
      const path = `/var/lib/dpkg/info/${stem}.${part}`;
      return readOrGap(path, gaps, () => tree.tryReadText(path, scriptLimit)) ?? '';
    }),
  );
  return texts.join('\n').replaceAll(/^[ \t]*#.*$/gm, '');
}
