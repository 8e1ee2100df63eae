import type { Volume } from '../../disk/types.ts';
import type { Gap } from '../../lib/gap.ts';
import { type FileTree, mountTree } from '../file-tree.ts';
import { findVolume } from '../find-volume.ts';
import { isNamed } from '../mounted-view.ts';
import { readOrGap } from '../read-or-gap.ts';
import type { RootCandidate } from '../root-candidates.ts';
import { findIgnoringCase } from '../windows/find-ignoring-case.ts';
import { activeSlot } from './active-slot.ts';
import { parseGrubEnvironment } from './parse-grub-environment.ts';
import { parseGrubMenu } from './parse-grub-menu.ts';
import { readLoaderEntries } from './read-loader-entries.ts';
import { splitGrubCommands } from './split-grub-commands.ts';

/** A filesystem in which a boot loader may keep its menu. */
interface Place {
  readonly volume: Volume;
  readonly tree: FileTree;
}

/** The arguments of the kernel that a loader starts by default; undefined when it starts something else. */
type Vote = readonly string[] | undefined;

const menuLimit = { limit: 4 * 1024 * 1024 };
const stubLimit = { limit: 64 * 1024 };
const mostStubs = 50;

/**
 * The root that the machine starts when nobody chooses, of several: by the priorities of two slots, or by what all
 * boot loaders in the image say. Undefined when they say nothing, or contradict each other: it would be a guess.
 */
export function findStartedRoot(
  candidates: readonly RootCandidate[],
  volumes: readonly Volume[],
  gaps: Gap[],
): RootCandidate | undefined {
  const slot = activeSlot(volumes.flatMap(({ partition }) => partition ?? []));
  if (slot?.holds === 'root') {
    return onlyOne(candidates.filter(({ volume }) => volume.partition === slot.partition));
  }
  const votes = readVotes(candidates, volumes, gaps);
  const [first] = votes;
  if (first === undefined) return undefined;
  const chosen = votes.map((vote) => vote && onlyOne(candidates.filter((it) => isRootOf(vote, it, volumes))));
  return chosen.every((root) => root === chosen[0]) ? chosen[0] : undefined;
}

function onlyOne<T>(found: readonly T[]): T | undefined {
  return found.length === 1 ? found[0] : undefined;
}

function isRootOf(vote: readonly string[], candidate: RootCandidate, volumes: readonly Volume[]): boolean {
  const { volume, subvolume, deployment } = candidate;
  const root = argument(vote, 'root');
  if (root === undefined || findVolume(volumes, root) !== volume) return false;
  const link = argument(vote, 'ostree');
  if ((link === undefined) !== (deployment === undefined)) return false;
  if (link !== undefined && candidate.physicalTree?.find(link)?.path !== deployment) return false;
  return subvolume === undefined || isNamed(subvolume, (argument(vote, 'rootflags') ?? '').split(','));
}

function argument(words: readonly string[], name: string): string | undefined {
  return words.findLast((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
}

function readVotes(
  candidates: readonly RootCandidate[],
  volumes: readonly Volume[],
  gaps: Gap[],
): readonly Vote[] {
  const places: readonly Place[] = [
    ...candidates.map(({ volume, physicalTree, tree }) => ({ volume, tree: physicalTree ?? tree })),
    ...volumes.flatMap((volume) =>
      volume.filesystem === undefined || candidates.some((candidate) => candidate.volume === volume)
        ? []
        : [{ volume, tree: mountTree([{ path: '/', filesystem: volume.filesystem }]) }],
    ),
  ];
  const stubs = places.flatMap(
    ({ volume, tree }) => readOrGap(volume.name, gaps, () => readStubs(tree)) ?? [],
  );
  return places.flatMap(({ volume, tree }) => {
    const isStarted =
      stubs.length === 0 || stubs.some((uuid) => findVolume([volume], `UUID=${uuid}`) === volume);
    return readOrGap(volume.name, gaps, () => votesIn(tree, isStarted)) ?? [];
  });
}

/** Filesystems that the small menus on an EFI system partition lead to. */
function readStubs(tree: FileTree): readonly string[] {
  const folder = findIgnoringCase(tree, '/EFI');
  if (folder === undefined) return [];
  return tree
    .names(folder)
    .slice(0, mostStubs)
    .flatMap((name) => {
      const path = findIgnoringCase(tree, `${folder}/${name}/grub.cfg`);
      const text = path && tree.tryReadText(path, stubLimit);
      return text ? splitGrubCommands(text).flatMap((command) => searchedUuid(command) ?? []) : [];
    });
}

/** `search.fs_uuid UUID root`, or `search --fs-uuid --set=root UUID`. */
function searchedUuid(command: readonly string[]): string | undefined {
  const isSearch =
    command[0] === 'search.fs_uuid' || (command[0] === 'search' && command.includes('--fs-uuid'));
  return isSearch ? command.slice(1).find((word) => /^[0-9a-f-]{8,36}$/i.test(word)) : undefined;
}

/** @param hasGrub false for a filesystem whose menu of GRUB is not the one that is started. */
function votesIn(tree: FileTree, hasGrub: boolean): readonly Vote[] {
  const votes: Vote[] = [];
  for (const boot of ['', '/boot']) {
    const menu = hasGrub && ['grub', 'grub2'].find((name) => tree.exists(`${boot}/${name}/grub.cfg`));
    if (menu) votes.push(...grubVotes(tree, boot, menu));
    const loader = findIgnoringCase(tree, `${boot}/loader/loader.conf`);
    if (!menu && loader !== undefined) {
      // Without a name the order of the loader decides, which has more keys than the name of the entry.
      const entries = readLoaderEntries(tree, loader.slice(0, -'/loader.conf'.length));
      votes.push(...entries.map((entry) => entry.arguments));
    }
  }
  return votes;
}

function grubVotes(tree: FileTree, boot: string, name: string): readonly Vote[] {
  const text = tree.readText(`${boot}/${name}/grub.cfg`, menuLimit);
  const environment = parseGrubEnvironment(tree.tryReadText(`${boot}/${name}/grubenv`, stubLimit) ?? '');
  const menu = parseGrubMenu(text, environment);
  if (menu.unread.some((command) => command.startsWith('blscfg'))) {
    const newest = readLoaderEntries(tree, `${boot}/loader`, environment.get('saved_entry')).at(-1);
    return newest === undefined ? [] : [newest.arguments];
  }
  if (menu.entries.length === 0) return [];
  const { defaultEntry } = menu;
  return [defaultEntry?.kernel === undefined ? undefined : defaultEntry.arguments];
}
