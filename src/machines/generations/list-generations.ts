import { lstatSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isColdpatchError } from '../../lib/errors.ts';
import { diskIn, generationDirectory, generationNumbers } from './generation-paths.ts';
import { diskName, type GenerationReason, readManifest } from './manifest.ts';
import { type StateDirectory, stateDirectoryOf } from './state-directory.ts';

/** A former state of an image. */
export interface Generation {
  readonly answer: 'complete';
  readonly number: number;
  readonly takenAt: string;
  readonly reason: GenerationReason;
  readonly format: 'raw' | 'qcow2';
  readonly sha256: string;
  /** Bytes of the disk file. */
  readonly size: number;
  /** Bytes that it takes now. Blocks that it shares with other files by reflink count in each of them. */
  readonly bytesOnDisk: number;
  readonly diskPath: string;
}

/** A directory that should hold a generation but does not, or not readably. */
export interface AlteredGeneration {
  readonly answer: 'altered';
  readonly number: number;
  readonly detail: string;
}

/** All generations of the image at a resolved path, by number. Digests are not checked. */
export async function listGenerations(
  imagePath: string,
): Promise<readonly (Generation | AlteredGeneration)[]> {
  const state = stateDirectoryOf(imagePath);
  const numbers = await generationNumbers(state);
  return Promise.all(numbers.map((number) => readGeneration(state, number)));
}

async function readGeneration(
  state: StateDirectory,
  number: number,
): Promise<Generation | AlteredGeneration> {
  const directory = generationDirectory(state, number);
  if (!diskIn(directory)) {
    return { answer: 'altered', number, detail: `there is no disk in ${directory}` };
  }
  try {
    const { takenAt, reason, format, disk, generation, image } = await readManifest(directory);
    // Whoever moves images to another directory moves what is beside them as well: their names alone must stay.
    if (generation !== number || basename(image) !== basename(state.imagePath)) {
      return { answer: 'altered', number, detail: `it is generation ${generation} of ${image}` };
    }
    const diskPath = join(directory, diskName);
    const bytesOnDisk = lstatSync(diskPath).blocks * 512;
    return {
      answer: 'complete',
      number,
      takenAt,
      reason,
      format,
      sha256: disk.sha256,
      size: disk.size,
      bytesOnDisk,
      diskPath,
    };
  } catch (error) {
    if (!isColdpatchError(error, 'generation_altered')) throw error;
    return { answer: 'altered', number, detail: error.message };
  }
}
