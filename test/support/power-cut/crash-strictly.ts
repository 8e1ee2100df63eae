import { type Pending, type Remains, type StrictFilesystem } from './strict-filesystem.ts';

/** One way in which a power cut may end. */
export interface StrictCrash {
  readonly name: string;
  readonly remains: (pending: Pending) => Remains;
}

/** Locks, of which only the name matters, and copies that every recovery throws away: together they are there, or not. */
const isThrownAway = /\/\.?lock$|\/work\/./;

/**
 * Of what was not synced: nothing remains, everything does, all of one filesystem does or is lost, each change alone does or is
 * lost, and random mixtures.
 *
 * @param random how many mixtures; `lost`: nothing remains, and that is all; `filesystems`: nothing, everything, or whole filesystems.
 * @param next a number from 0 to `below`
 */
export function* strictCrashes(
  filesystem: StrictFilesystem,
  random: number | 'lost' | 'filesystems',
  next: (below: number) => number,
): Generator<StrictCrash> {
  const pending = filesystem.pending();
  yield { name: 'with nothing that was not synced', remains: () => 'none' };
  if (pending.length === 0 || random === 'lost') return;
  yield { name: 'with everything', remains: () => 'all' };
  const filesystems = new Set(pending.map(({ filesystem }) => filesystem));
  for (const one of filesystems.size > 1 ? filesystems : []) {
    yield {
      name: `with nothing but what is on ${one}`,
      remains: ({ filesystem }) => (filesystem === one ? 'all' : 'none'),
    };
    yield {
      name: `without what is on ${one}`,
      remains: ({ filesystem }) => (filesystem === one ? 'none' : 'all'),
    };
  }
  if (random === 'filesystems') return;
  for (const one of pending.filter(({ what }) => !isThrownAway.test(what))) {
    yield {
      name: `with nothing but: ${one.what}`,
      remains: (other) => (isSame(one, other) ? 'all' : 'none'),
    };
    yield { name: `without: ${one.what}`, remains: (other) => (isSame(one, other) ? 'none' : 'all') };
    if (one.kind === 'content') {
      yield { name: `zeros as ${one.what}`, remains: (other) => (isSame(one, other) ? 'zeros' : 'all') };
      yield { name: `half of ${one.what}`, remains: (other) => (isSame(one, other) ? 'half' : 'all') };
    }
  }
  if (pending.every(({ what }) => isThrownAway.test(what))) return;
  for (let count = 0; count < random; count += 1) {
    const chosen = pending.map(
      (one) => [one, one.kind === 'content' ? anyOf(next) : next(2) === 0 ? 'none' : 'all'] as const,
    );
    yield {
      name: `with: ${chosen.map(([{ what }, remains]) => `${what} (${remains})`).join(', ')}`,
      remains: (other) => chosen.find(([one]) => isSame(one, other))?.[1] ?? 'none',
    };
  }
}

function anyOf(next: (below: number) => number): Remains {
  return (['all', 'none', 'zeros', 'half'] as const)[next(4)] ?? 'none';
}

function isSame(one: Pending, other: Pending): boolean {
  return one === other || (one.kind === 'content' && other.kind === 'content' && one.inode === other.inode);
}
