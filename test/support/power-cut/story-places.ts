import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const machineName = 'web';

/** Where all is of which the story tells. */
export interface StoryPlaces {
  readonly web: string;
  readonly data: string;
  readonly variables: string;
  readonly tpm: string;
  readonly permanent: string;
  readonly volatile: string;
  /** An image of no machine. */
  readonly golden: string;
  readonly state: string;
  readonly archive: string;
  /** Outside of what is cut off. */
  readonly fresh: string;
  /** Real states of one swtpm, each later than the one before. */
  readonly vtpmStates: readonly Buffer[];
}

/** A filesystem for each kind of members; the state of coldpatch is on that of the first disk. */
export function mountPointsIn(root: string): readonly string[] {
  return [root, ...['data', 'nvram', 'tpm'].map((name) => join(root, name))];
}

/** The one of `mountPointsIn` on which a path is. */
export function filesystemOf(root: string, path: string): string {
  return mountPointsIn(root).findLast((one) => path === one || path.startsWith(`${one}/`)) ?? root;
}

/** @param work a directory that no power cut reaches. */
export function placesIn(root: string, work: string): StoryPlaces {
  const states = join(work, 'vtpm');
  return {
    web: join(root, 'images/web.img'),
    data: join(root, 'data/data.img'),
    variables: join(root, 'nvram/variables.fd'),
    tpm: join(root, 'tpm'),
    permanent: join(root, 'tpm/tpm2-00.permall'),
    volatile: join(root, 'tpm/tpm2-00.volatilestate'),
    golden: join(root, 'golden/golden.img'),
    state: join(root, 'state'),
    archive: join(root, 'out/generation.tar'),
    fresh: join(work, 'fresh'),
    vtpmStates: existsSync(states)
      ? readdirSync(states)
          .toSorted()
          .map((name) => readFileSync(join(states, name)))
      : [],
  };
}
