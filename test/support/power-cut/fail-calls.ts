import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram, type ProgramResult } from '../../../src/lib/run-program.ts';
import { chapterNames, prepareStory, tellStory } from './machine-story.ts';
import { placesIn } from './story-places.ts';
import { readStoryState, recoverStory, type StoryState } from './story-state.ts';
import { differenceOf } from './strict-trial.ts';

/**
 * strace counts the calls of each thread, and the main one has opened all sources by the time the story begins: so many files are
 * opened then by the thread that opens those of the journal, so that no number is that of a source.
 */
const opens = 2000;

/** What happens at one system call in the middle of a change. */
export interface Fault {
  readonly call: string;
  readonly how: 'error=EIO' | 'error=ENOSPC' | 'signal=KILL';
  /** Which of the calls of a thread, from 1. */
  readonly number: number;
}

/** Calls by which the journal changes something, and whether they need space. */
const calls = {
  openat: true,
  write: true,
  pwrite64: true,
  copy_file_range: true,
  ftruncate: false,
  chmod: false,
  fchmod: false,
  chown: false,
  fchown: false,
  fsetxattr: true,
  utimensat: false,
  fsync: true,
  mkdir: true,
  rename: true,
  link: true,
  unlink: false,
  rmdir: false,
} as const;

/** A chapter of the story, with all that was there before it. */
export interface FaultyChapter {
  readonly folder: string;
  readonly chapter: number;
  /** Before the chapter, wherever it had come to an end of something, and after it. */
  readonly states: readonly StoryState[];
  /** All that may happen: each of its calls may fail, or be the last. */
  readonly faults: readonly Fault[];
}

/** @param folder empty. @param name of the first chapter of that name. */
export async function prepareChapter(folder: string, name: string): Promise<FaultyChapter> {
  const [root, work] = [join(folder, 'root'), join(folder, 'work')];
  for (const path of [root, work]) mkdirSync(path, { recursive: true });
  await prepareStory(root, work);
  const chapter = chapterNames.indexOf(name);
  await tell(folder, 0, chapter, []);
  cpSync(root, join(folder, 'before'), { recursive: true, preserveTimestamps: true });
  const places = placesIn(root, work);
  const states = [await readStoryState(places)];
  const on = async (event: string): Promise<void> => {
    if (event === 'settled') states.push(await readStoryState(places));
  };
  await tellStory({ root, on }, work, { from: chapter, to: chapter + 1 });
  restore(folder);
  const { exitCode, stderr } = await tell(folder, chapter, chapter + 1, []);
  if (exitCode !== 0) throw new Error(`Expected the chapter ${name} to succeed, but: ${stderr}`);
  return { folder, chapter, states, faults: findFaults(readFileSync(join(folder, 'trace'), 'utf8'), root) };
}

/** Tells the chapter with a fault, and recovers. @returns what is wrong then. */
export async function failChapter(
  { folder, chapter, states }: FaultyChapter,
  { call, how, number }: Fault,
): Promise<string | undefined> {
  const [root, work] = [join(folder, 'root'), join(folder, 'work')];
  restore(folder);
  const told = await tell(folder, chapter, chapter + 1, ['-e', `inject=${call}:${how}:when=${number}`]);
  const found = await recoverStory(placesIn(root, work)).catch(String);
  // What has said that it succeeded has done so.
  if (found === states.at(-1) || (states.includes(found) && told.exitCode !== 0)) return undefined;
  return `${chapterNames[chapter]}, ${call} ${number}, ${how}, exit code ${told.exitCode}: ${differenceOf(states[0], found)}`;
}

function tell(folder: string, from: number, to: number, inject: readonly string[]): Promise<ProgramResult> {
  const request = JSON.stringify({ root: join(folder, 'root'), work: join(folder, 'work'), from, to, opens });
  return runProgram({
    file: 'strace',
    args: [
      '-f',
      '-qq',
      '-y',
      '--seccomp-bpf',
      '-o',
      join(folder, 'trace'),
      '-e',
      'signal=none',
      '-e',
      `trace=${Object.keys(calls).join(',')}`,
      ...inject,
      process.execPath,
      join(import.meta.dirname, 'machine-story.ts'),
      request,
    ],
    timeoutSeconds: 600,
    // strace counts by thread: with one, the same number is always the same call.
    environment: { UV_USE_IO_URING: '0', UV_THREADPOOL_SIZE: '1' },
  });
}

function restore(folder: string): void {
  const root = join(folder, 'root');
  rmSync(root, { recursive: true });
  cpSync(join(folder, 'before'), root, { recursive: true, preserveTimestamps: true });
}

/** Those at calls that name a file of the story, or write to one: threads also write to wake each other. */
function findFaults(trace: string, root: string): readonly Fault[] {
  const counts = new Map<string, number>();
  const faults = new Map<string, Fault>();
  for (const [, thread = '', name = '', rest = ''] of trace.matchAll(/^(\d+) +(\w+)\((.*)$/gm)) {
    const number = (counts.get(`${thread} ${name}`) ?? 0) + 1;
    counts.set(`${thread} ${name}`, number);
    if (!isCall(name) || !rest.includes(root) || (name === 'openat' && number <= opens)) continue;
    const needsSpace = name === 'openat' ? rest.includes('O_CREAT') : calls[name];
    for (const fault of faultsAt(name, number, needsSpace)) faults.set(Object.values(fault).join(' '), fault);
  }
  return [...faults.values()];
}

function isCall(name: string): name is keyof typeof calls {
  return Object.hasOwn(calls, name);
}

function faultsAt(call: string, number: number, needsSpace: boolean): readonly Fault[] {
  return [
    { call, number, how: 'error=EIO' },
    ...(needsSpace ? [{ call, number, how: 'error=ENOSPC' } as const] : []),
    { call, number, how: 'signal=KILL' },
  ];
}
