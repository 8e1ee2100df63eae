import { join } from 'node:path';
import type { Config } from '../../../src/config/schema.ts';
import type { StoryPlaces } from './story-places.ts';

/**
 * Called with the name of what has just happened.
 *
 * - `settled`: a chapter, or a part of one, has come to its end, for certain.
 * - `unsynced`: the machine has written something that it did not sync, so that a power cut may take it away until one of us
 *   has synced it.
 * - `either`: until the chapter is over, what a recovery makes of this moment is right as well.
 * - `guest`, `guest ended`: what the machine itself does in between is not ours to keep whole.
 */
export type OnChapter = (
  event: 'settled' | 'unsynced' | 'either' | 'guest' | 'guest ended',
  name: string,
) => void | Promise<void>;

export interface Storyteller {
  readonly root: string;
  readonly on: OnChapter;
}

export interface Chapter {
  readonly name: string;
  /** How it ends; default `settled`. */
  readonly end?: 'unsynced';
  tell(places: StoryPlaces, teller: Storyteller): Promise<unknown>;
}

/** What is in a file of the story. */
export function contentOf(name: string, version: number): Buffer {
  return Buffer.alloc(12_000 + version * 1000, `${name} ${version} `);
}

export function configOf({ state }: StoryPlaces): Config {
  return {
    stateDirectory: state,
    cacheDirectory: join(state, 'cache'),
    imageDirectories: [],
    kvmProbeSeconds: 10,
    upgradeSeconds: 60,
    generations: { defaults: {}, machines: {} },
  };
}
