import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { type ImageIdentity, identityOf } from '../image-identity.ts';
import { diskName } from './manifest.ts';
import { namesIn, type StateDirectory } from './state-directory.ts';

type Generations = Pick<StateDirectory, 'generations'>;

/** How the name of a generation ends that is not complete yet. */
export const stagedSuffix = '.tmp';

export function generationDirectory(state: Generations, generation: number): string {
  return join(state.generations, String(generation));
}

export function stagedDirectory(state: Generations, generation: number): string {
  return join(state.generations, `${generation}${stagedSuffix}`);
}

/** The disk in the directory of a generation, or undefined when none is there. */
export function diskIn(directory: string): ImageIdentity | undefined {
  return identityIfThere(join(directory, diskName));
}

/** The state of the file at `path` itself, or undefined when there is none. */
export function identityIfThere(path: string): ImageIdentity | undefined {
  const status = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return status && identityOf(status);
}

/** Numbers of the complete generations, ascending. */
export async function generationNumbers(state: Generations): Promise<readonly number[]> {
  return (await namesIn(state.generations))
    .filter((name) => /^[1-9]\d{0,14}$/.test(name))
    .map(Number)
    .toSorted((one, other) => one - other);
}
