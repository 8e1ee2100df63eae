import { mkdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { makePrivateDirectory } from '../make-private-directory.ts';

/** Where all that coldpatch keeps for one image is: beside the image, on the same filesystem. */
export interface StateDirectory {
  readonly path: string;
  /** Absolute and free of symbolic links. */
  readonly imagePath: string;
  /** One directory for each run; recovery throws all of them away. */
  readonly work: string;
  /** One directory for each generation, named by its number. */
  readonly generations: string;
  readonly intent: string;
  /** The highest number that a generation ever had. */
  readonly counter: string;
}

/** In the folder of the images. */
export const stateContainer = '.coldpatch';

/** @param imagePath as `resolveImagePath` gave it. */
export function stateDirectoryOf(imagePath: string): StateDirectory {
  const path = join(dirname(imagePath), stateContainer, basename(imagePath));
  return {
    path,
    imagePath,
    work: join(path, 'work'),
    generations: join(path, 'generations'),
    intent: join(path, 'intent.json'),
    counter: join(path, 'counter'),
  };
}

/** Makes the state directory of an image, durably, if it is not there. Only its owner can look inside. */
export async function openStateDirectory(imagePath: string): Promise<StateDirectory> {
  const state = stateDirectoryOf(imagePath);
  for (const path of [dirname(state.path), state.path, state.work, state.generations]) {
    await makePrivateDirectory(path);
  }
  return state;
}

/** Makes the directory of one run, where its copies are while they are in progress. */
export function makeWorkDirectory(state: StateDirectory, runId: string): string {
  const path = join(state.work, runId);
  mkdirSync(path, { mode: 0o700 });
  return path;
}

/** The state directories of all images in `directory`, also of images that are gone. */
export async function listStateDirectories(directory: string): Promise<readonly StateDirectory[]> {
  return (await namesIn(join(directory, stateContainer))).map((name) =>
    stateDirectoryOf(join(directory, name)),
  );
}

/** Sorted names in a directory, none when it does not exist. */
export async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).toSorted();
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  }
}
