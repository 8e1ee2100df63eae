/**
 * What is there after a power cut, and what the next commands make of it.
 * Run as a process of its own, it recovers: `node story-state.ts '{"root": ..., "work": ...}'`.
 */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostStateOf } from '../../../src/machines/definitions/host-state.ts';
import { machineStateOf } from '../../../src/machines/definitions/machine-state.ts';
import { listMachines, readMachine } from '../../../src/machines/definitions/read-machine.ts';
import { hasHostLeftovers, sweepHostState } from '../../../src/machines/definitions/sweep-host-state.ts';
import { generationDirectory } from '../../../src/machines/generations/generation-paths.ts';
import { findLeftovers } from '../../../src/machines/generations/find-leftovers.ts';
import { listGenerations } from '../../../src/machines/generations/list-generations.ts';
import { stateDirectoryOf } from '../../../src/machines/generations/state-directory.ts';
import { readLastState } from '../../../src/machines/machine-generations/last-state.ts';
import { keptPath, memberFilesOf } from '../../../src/machines/machine-generations/member-files.ts';
import { readLog } from '../../../src/machines/machine-generations/log.ts';
import {
  answerOf,
  type GenerationAnswer,
  type MachineContext,
  numbersOf,
  originName,
} from '../../../src/machines/machine-generations/read-generation.ts';
import { withMachine } from '../../../src/machines/machine-generations/with-machine.ts';
import { attestationName } from '../../../src/machines/signing/image-statements.ts';
import {
  keyIdOfPublicKey,
  openServiceKey,
  readPublicKey,
} from '../../../src/machines/signing/service-key.ts';
import { tidy } from '../change-image.ts';
import { machineName, placesIn, type StoryPlaces } from './story-places.ts';

/** All that a user could miss, as text that can be compared: bytes are their digests. */
export type StoryState = string;

/** All files of the machine. */
export function memberPathsOf({ web, data, variables, permanent, volatile }: StoryPlaces): readonly string[] {
  return [web, data, variables, permanent, volatile];
}

/** Of each of them the digest and the mode, as `readStoryState` has found them; none in what is no state. */
export function filesOf(state: StoryState): readonly string[] {
  if (!state.startsWith('{')) return [];
  return (JSON.parse(state) as { readonly files: readonly string[] }).files;
}

/** Whether two states differ in what was exported and in nothing else. */
export function differInArchive(one: StoryState, other: StoryState): boolean {
  if (one === other || !one.startsWith('{') || !other.startsWith('{')) return false;
  const rest = (state: StoryState): StoryState =>
    JSON.stringify({ ...(JSON.parse(state) as object), archive: null });
  return rest(one) === rest(other);
}

/** What is there now, every byte of it compared with what was signed or written down. Changes nothing. */
export async function readStoryState(places: StoryPlaces): Promise<StoryState> {
  const host = hostStateOf(places.state);
  const machine = (await listMachines(host)).find(({ name }) => name === machineName);
  const hasKey = existsSync(host.privateKey);
  const own = { machine: machine?.id ?? null, key: hasKey ? await keyOf(places) : null };
  return JSON.stringify({
    files: memberPathsOf(places).map((path) => `${contentOf(path)} ${modeOf(path)}`),
    golden: `${contentOf(places.golden)} ${modeOf(places.golden)}`,
    archive: contentOf(places.archive),
    images: [await imageGenerations(places.web), await imageGenerations(places.golden)],
    ...own,
    ...(machine && hasKey ? await machineOf(places) : {}),
  });
}

/**
 * Does what the next commands do after a power cut, twice, and reads what is there then. Where no run was interrupted, they
 * do nothing, and nothing is started.
 *
 * @throws Error when something of the interrupted run is left, or when the second time finds something to do.
 */
export async function recoverStory(places: StoryPlaces): Promise<StoryState> {
  if (leftoversOf(places).length > 0) {
    await settleAll(places);
    const left = leftoversOf(places);
    if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
    if (await settleAll(places)) throw new Error('the second recovery found something to do');
  }
  return readStoryState(places);
}

/** @param every also images of which nothing is left. @returns true when there was something to settle. */
async function settleAll(places: StoryPlaces, every = false): Promise<boolean> {
  const host = hostStateOf(places.state);
  let found = false;
  // Without the key of this host a run would make another, which would hide that it was lost.
  if (!existsSync(host.privateKey) || (await listMachines(host)).length === 0) {
    found = await hasHostLeftovers(host);
    if (found) await sweepHostState(host);
  } else {
    await withMachine(places.state, machineName, { now: () => new Date() }, (_, settled) => {
      found ||= settled !== undefined;
      return Promise.resolve();
    });
  }
  for (const image of [places.golden, places.web]) {
    const isLeft = (await findLeftovers(stateDirectoryOf(image))).length > 0;
    if (isLeft || every) await tidy(image);
    found ||= isLeft;
  }
  return found;
}

/** What an interrupted run left: nothing after what has returned. */
export function leftoversOf(places: StoryPlaces): readonly string[] {
  const all = [places.state, places.web, places.data, places.variables, places.permanent, places.golden];
  return leftoversBelow(all.map((path) => (path === places.state ? path : join(path, '..'))));
}

async function keyOf(places: StoryPlaces): Promise<string> {
  const host = hostStateOf(places.state);
  const { id } = await openServiceKey(host);
  const written = keyIdOfPublicKey(await readPublicKey(host.publicKey));
  return written === id ? id : `${id}, but the public key is that of ${written}`;
}

async function machineOf(places: StoryPlaces): Promise<object> {
  const host = hostStateOf(places.state);
  const machine = await readMachine(host, machineName);
  const state = machineStateOf(host, machineName);
  const key = await openServiceKey(host);
  const context: MachineContext = { host, machine, state, key };
  const log = await readLog(host, key.publicKey);
  const own = log.entries.filter((entry) => entry.machine === machine.id);
  const used = own.map(({ generation }) => generation);
  const generations: unknown[] = [];
  for (const number of await numbersOf(context, log)) {
    generations.push(generationOf(context, await answerOf(context, log, number, { digests: false })));
  }
  return {
    generations,
    numbers: lastNumberOf(state.counter) >= Math.max(0, ...used) ? 'only grow' : 'may be used again',
    heldBack: existsSync(join(state.path, 'held-back')),
    // By what is put back by hand is noticed, also after that generation was deleted.
    lastState: [...((await readLastState(context, log))?.digests ?? [])],
    log: log.entries.map(({ event, generation, kept }) => [event, generation, kept]),
  };
}

function generationOf({ machine, state }: MachineContext, found: GenerationAnswer): unknown {
  if (found.answer === 'altered') return found;
  const { number, manifest } = found;
  return {
    number,
    cause: manifest.cause,
    problems: manifest.problems,
    attested: contentOf(join(generationDirectory(state, number), attestationName)),
    origin: contentOf(join(generationDirectory(state, number), originName)),
    members: manifest.members.map(({ name, sha256 }) => {
      const file = memberFilesOf(machine).find((one) => one.name === name);
      const content = file ? contentOf(keptPath(state, machine, number, file)) : 'unknown';
      return [name, content === sha256 ? content : `${content} in place of ${sha256}`];
    }),
  };
}

async function imageGenerations(image: string): Promise<unknown> {
  return (await listGenerations(image)).map((found) => {
    if (found.answer === 'altered') return found;
    const content = contentOf(found.diskPath);
    return {
      number: found.number,
      reason: found.reason,
      disk: content === found.sha256 ? content : `${content} in place of ${found.sha256}`,
      attested: contentOf(join(found.diskPath, '..', attestationName)),
    };
  });
}

function lastNumberOf(counter: string): number {
  return existsSync(counter) ? Number(readFileSync(counter, 'utf8')) : 0;
}

function modeOf(path: string): string {
  return ((lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o7777).toString(8);
}

function contentOf(path: string): string {
  return existsSync(path) ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'missing';
}

/** Names that nothing has that is complete, and directories of generations with nothing in them. */
function leftoversBelow(directories: readonly string[]): readonly string[] {
  return directories
    .filter((directory) => existsSync(directory))
    .flatMap((directory) =>
      readdirSync(directory, { recursive: true, encoding: 'utf8' })
        .filter(
          (name) =>
            /(\.unfinished|\.tmp|\.staged)$|(^|\/)intent\.json$|\/work\/./.test(name) ||
            (/(^|\/)\.coldpatch-machines(\/[^/]+)?$/.test(name) &&
              readdirSync(join(directory, name)).length === 0),
        )
        .map((name) => join(directory, name)),
    );
}

if (import.meta.main) {
  const { root, work } = JSON.parse(process.argv[2] ?? '') as {
    readonly root: string;
    readonly work: string;
  };
  const places = placesIn(root, work);
  // The next command on an image is a run, which syncs what it finds also where nothing is left of the one that was killed.
  await settleAll(places, true);
  await recoverStory(places);
}
