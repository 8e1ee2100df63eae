import { copyFileSync, mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { type FilesystemKind, makeDisk, withLogged, withMounted } from './logged-disk.ts';
import { prepareStory, tellStory } from './machine-story.ts';
import type { OnChapter } from './story-chapter.ts';
import { placesIn, type StoryPlaces } from './story-places.ts';
import { readStoryState, type StoryState } from './story-state.ts';
import { type LoggedWrite, readWriteLog } from './write-log.ts';

/** What the story made of a disk, request by request. */
export interface RecordedStory {
  readonly kind: FilesystemKind;
  readonly folder: string;
  /** Where the disk was mounted, and is again when it has crashed: intents and manifests name paths. */
  readonly root: string;
  readonly places: StoryPlaces;
  readonly before: string;
  readonly log: string;
  readonly writes: readonly LoggedWrite[];
  /** After each chapter, that before the first included. */
  readonly states: readonly StoryState[];
  /** How many requests had been made when each state was certain, because its chapter had returned. */
  readonly returned: readonly number[];
  /** Between which requests the machine itself wrote: that is not ours to keep whole. */
  readonly guest: readonly (readonly [number, number])[];
}

/** Tells the story on a disk whose requests are logged. */
export async function recordStory(parent: string, kind: FilesystemKind): Promise<RecordedStory> {
  const folder = mkdtempSync(join(parent, `${kind.name}-`));
  const [image, before, log, work] = ['disk', 'before', 'log', 'work'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
    string,
  ];
  const root = join(folder, 'logged');
  for (const path of [root, work]) mkdirSync(path);
  makeDisk(image, kind);
  await withMounted(image, root, kind, () => prepareStory(root, work));
  copyFileSync(image, before);
  const places = placesIn(root, work);
  const states: StoryState[] = [];
  const returned: number[] = [];
  const guest: (readonly [number, number])[] = [];
  await withLogged({ folder, image, log, mountPoint: root }, kind, async () => {
    const requests = (): number => readWriteLog(log).length;
    const settled = async (): Promise<void> => {
      states.push(await readStoryState(places));
      returned.push(requests());
    };
    await settled();
    let began = 0;
    const on: OnChapter = async (event) => {
      if (event === 'settled') await settled();
      else if (event === 'unsynced') {
        states.push(await readStoryState(places));
        // It is certain only with the next that is.
        returned.push(Number.POSITIVE_INFINITY);
      } else if (event === 'guest') began = requests();
      else guest.push([began, requests()]);
    };
    await tellStory({ root, on }, work);
  });
  return { kind, folder, root, places, before, log, states, returned, guest, writes: readWriteLog(log) };
}
