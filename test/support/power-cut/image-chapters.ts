/** Chapters of an image that is thinned, and into which somebody writes while it is being replaced: what was written comes back. */
import { closeSync, fsyncSync, openSync, readdirSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isColdpatchError } from '../../../src/lib/errors.ts';
import { stagedSuffix } from '../../../src/machines/generations/generation-paths.ts';
import type { OnStep } from '../../../src/machines/generations/journal-steps.ts';
import { diskName } from '../../../src/machines/generations/manifest.ts';
import { pruneGenerations } from '../../../src/machines/generations/prune-generations.ts';
import { stateDirectoryOf } from '../../../src/machines/generations/state-directory.ts';
import { undo, update } from '../change-image.ts';
import { type Chapter, contentOf, type Storyteller } from './story-chapter.ts';
import type { StoryPlaces } from './story-places.ts';

export const imageChapters: readonly Chapter[] = [
  {
    name: 'promote an image that is written meanwhile',
    tell: (places, teller) => promote(places, 3, writeOnce(places, teller, 'first')),
  },
  { name: 'promote an image again', tell: (places) => promote(places, 4, () => undefined) },
  {
    name: 'roll an image back that is written meanwhile',
    tell: (places, teller) => undo(places.golden, writeOnce(places, teller, 'second')).catch(unlessWritten),
  },
  { name: 'thin an image', tell: (places) => pruneGenerations(places.golden, 1) },
];

async function promote({ golden, fresh }: StoryPlaces, version: number, onStep: OnStep): Promise<void> {
  // The model reads it when the story is over.
  const content = `${fresh}-${version}`;
  writeFileSync(content, contentOf('golden', version));
  await update(golden, content, onStep).catch(unlessWritten);
}

/** By the name that the image has left: as a program does that has had it open. */
function writeOnce({ golden }: StoryPlaces, { on }: Storyteller, text: string): OnStep {
  return async (step) => {
    if (step !== 'replaced') return;
    // As long as nothing was written, the new image stays.
    await on('either', 'replaced');
    await on('guest', 'somebody writes');
    const { generations } = stateDirectoryOf(golden);
    const staged = readdirSync(generations).find((name) => name.endsWith(stagedSuffix)) ?? '';
    const file = openSync(join(generations, staged, diskName), 'r+');
    writeSync(file, text, 100);
    fsyncSync(file);
    closeSync(file);
    await on('guest ended', 'somebody writes');
  };
}

function unlessWritten(error: unknown): void {
  if (!isColdpatchError(error, 'image_changed')) throw error;
}
