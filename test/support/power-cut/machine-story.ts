/**
 * What the power cuts interrupt: a machine with two disks, UEFI variables and a vTPM, and an image that belongs to no machine,
 * are taken, promoted, rolled back, thinned, deleted, exported and imported by the functions that the commands call.
 * Run as a process of its own: `node machine-story.ts '{"root": ..., "chapters": ...}'`; it then says on standard output
 * how far it has come.
 */
import {
  chmodSync,
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  deleteMachineGenerations,
  exportMachineGeneration,
  importMachineGeneration,
  pruneMachineGenerations,
  rollBackWholeMachine,
  takeMachineGeneration,
} from '../../../src/app/machine-generations.ts';
import { addNewMachine, forgetMachine, liftMachine } from '../../../src/app/machines.ts';
import { writeFileDurably } from '../../../src/lib/durable-file.ts';
import { checkOutImage } from '../../../src/machines/check-out-image.ts';
import { openHostState } from '../../../src/machines/definitions/host-state.ts';
import { generationDirectory } from '../../../src/machines/generations/generation-paths.ts';
import { takeGeneration } from '../../../src/machines/machine-generations/take-generation.ts';
import { withMachine } from '../../../src/machines/machine-generations/with-machine.ts';
import { attestationName } from '../../../src/machines/signing/image-statements.ts';
import { openServiceKey } from '../../../src/machines/signing/service-key.ts';
import { undo, update } from '../change-image.ts';
import { type Chapter, configOf, contentOf, type OnChapter, type Storyteller } from './story-chapter.ts';
import { machineName, placesIn, type StoryPlaces } from './story-places.ts';
import { makeVtpmStates } from './vtpm-states.ts';
import { syncPath, writeSynced } from './write-synced.ts';
import { imageChapters } from './image-chapters.ts';

const now = (): Date => new Date();
const { signal } = new AbortController();
const nothing = (): void => undefined;
const attestation = 'what a promotion says of itself\n';

/** The machine ran: it has written all its members, and they are on its disk. */
function runGuest(version: number, withVolatile: boolean): Chapter {
  return {
    name: `the machine runs (${version})`,
    async tell(places, { on }) {
      await on('guest', `version ${version}`);
      writeGuest(places, version, withVolatile);
      await on('guest ended', `version ${version}`);
    },
  };
}

function writeGuest(places: StoryPlaces, version: number, withVolatile: boolean): void {
  writeSynced(places.web, contentOf('web', version));
  writeSynced(places.data, contentOf('data', version));
  writeSynced(places.variables, contentOf('variables', version));
  writeSynced(places.permanent, places.vtpmStates[version % places.vtpmStates.length] ?? Buffer.alloc(0));
  if (withVolatile) writeSynced(places.volatile, contentOf('volatile', version));
  else rmSync(places.volatile, { force: true });
  syncPath(places.tpm);
}

/**
 * A machine that was switched off without a sync: the end of a disk is in the memory of the host alone. It is one zero, so that
 * a power cut takes it or leaves it.
 */
function writeUnsynced(disk: 'web' | 'data' | 'golden'): Chapter {
  return {
    name: `the end of ${disk} is not synced`,
    end: 'unsynced',
    tell(places) {
      const file = openSync(places[disk], 'r+');
      writeSync(file, Buffer.alloc(1), 0, 1, fstatSync(file).size);
      closeSync(file);
      return Promise.resolve();
    },
  };
}

const take: Chapter = {
  name: 'take',
  tell: (places) =>
    takeMachineGeneration(configOf(places), {
      machine: machineName,
      reason: 'the story',
      reserve: 0n,
      // Its vTPM has few states, which come again.
      acceptPutBack: true,
      memory: false,
      signal,
    }),
};

function rollBackTo(generation?: number): Chapter {
  return {
    name: 'roll back',
    tell: (places) =>
      rollBackWholeMachine(configOf(places), {
        machine: machineName,
        reserve: 0n,
        signal,
        ...(generation !== undefined && { generation }),
      }),
  };
}

function deleteOne(generation: number): Chapter {
  return {
    name: `delete ${generation}`,
    tell: (places) =>
      deleteMachineGenerations(configOf(places), { machine: machineName, generations: [generation], signal }),
  };
}

/** As `coldpatch update` does it, but that the copy is patched by a write. */
const promote: Chapter = {
  name: 'promote',
  async tell(places, { on }) {
    await withMachine(places.state, machineName, { now }, (context) =>
      checkOutImage(
        { image: places.web, backing: [], searchDirectories: [], runId: 'run', now },
        async (image) => {
          const { path: copy } = await image.copy(signal);
          writeFileSync(copy, contentOf('patched', 1));
          const digest = await image.digest(signal);
          const { number } = await takeGeneration(context, {
            cause: 'update',
            reason: 'before the update',
            reserve: 0n,
            now,
          });
          await on('settled', 'taken before the promotion');
          const generation = await image.promote({ copy, format: 'raw', digest });
          await on('settled', 'promoted');
          await image.attach(generation, attestationName, attestation);
          await on('settled', 'attested beside the image');
          const directory = generationDirectory(context.state, number);
          await writeFileDurably(join(directory, attestationName), attestation, 0o600);
        },
      ),
    );
  },
};

/** All of the story, in its order. */
const chapters: readonly Chapter[] = [
  { name: 'make the key', tell: async (places) => openServiceKey(await openHostState(places.state)) },
  {
    name: 'add a machine',
    tell: (places) =>
      addNewMachine(configOf(places), {
        name: machineName,
        disks: [
          { path: places.web, format: 'raw' },
          { path: places.data, format: 'raw' },
        ],
        uefiVariables: places.variables,
        vtpm: { path: places.tpm },
      }),
  },
  writeUnsynced('web'),
  take,
  runGuest(2, true),
  promote,
  runGuest(3, true),
  take,
  runGuest(4, false),
  writeUnsynced('data'),
  rollBackTo(),
  { name: 'lift the hold', tell: (places) => liftMachine(configOf(places), machineName) },
  rollBackTo(2),
  runGuest(5, true),
  {
    name: 'thin',
    tell: (places) =>
      pruneMachineGenerations(configOf(places), { machine: machineName, retention: { keep: 4 }, signal }),
  },
  deleteOne(3),
  {
    name: 'export',
    tell: (places) =>
      exportMachineGeneration(configOf(places), {
        machine: machineName,
        generation: 2,
        target: places.archive,
        signal,
      }),
  },
  {
    name: 'import',
    tell: (places) =>
      importMachineGeneration(configOf(places), {
        machine: machineName,
        archive: places.archive,
        keys: [],
        signal,
      }),
  },
  writeUnsynced('golden'),
  {
    name: 'promote an image',
    async tell(places) {
      writeFileSync(places.fresh, contentOf('golden', 2));
      await update(places.golden, places.fresh, nothing);
    },
  },
  { name: 'roll an image back', tell: (places) => undo(places.golden, nothing) },
  ...[2, 4, 5, 6].map(deleteOne),
  { name: 'forget the machine', tell: (places) => forgetMachine(configOf(places), machineName) },
];

/** In their order; some names come more than once. */
export const chapterNames: readonly string[] = chapters.map(({ name }) => name);

/** What is there before the story begins, all of it on the disk. */
export async function prepareStory(root: string, work: string): Promise<void> {
  const places = placesIn(root, work);
  for (const path of [
    places.web,
    places.data,
    places.variables,
    places.permanent,
    places.golden,
    places.archive,
  ]) {
    mkdirSync(dirname(path), { recursive: true });
  }
  await makeVtpmStates(work);
  writeGuest(placesIn(root, work), 1, false);
  writeSynced(places.golden, contentOf('golden', 1));
  for (const path of [places.web, places.golden, places.permanent]) chmodSync(path, 0o640);
}

/** Which chapters: those from one number to another. */
interface Told {
  readonly from?: number;
  readonly to?: number;
  /** Also those in which somebody else writes, which only the model tells apart. */
  readonly more?: boolean;
}

/** Tells the story, or some of it. */
export async function tellStory(
  teller: Storyteller,
  work: string,
  { from = 0, to = chapters.length, more = false }: Told = {},
): Promise<void> {
  const places = placesIn(teller.root, work);
  for (const chapter of [...chapters.slice(from, to), ...(more ? imageChapters : [])]) {
    await chapter.tell(places, teller);
    await teller.on(chapter.end ?? 'settled', chapter.name);
  }
}

interface Request extends Told {
  readonly root: string;
  readonly work: string;
  /** How many files are opened by the thread of the journal before the story begins: see `fail-calls.ts`. */
  readonly opens?: number;
}

if (import.meta.main) {
  const request = JSON.parse(process.argv[2] ?? '') as Request;
  const on: OnChapter = (event, name) => void writeSync(1, `${event}: ${name}\n`);
  for (let count = 0; count < (request.opens ?? 0); count += 1) await (await open('/dev/null')).close();
  await tellStory({ root: request.root, on }, request.work, request);
}
