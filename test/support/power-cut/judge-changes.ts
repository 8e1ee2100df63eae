import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listGenerations } from '../../../src/machines/generations/list-generations.ts';
import { tidy, undo, update } from '../change-image.ts';
import { type CrashPoint, openReplay } from './crash-points.ts';
import { type FilesystemKind, makeDisk, withLogged, withMounted } from './logged-disk.ts';
import { type LoggedWrite, readWriteLog } from './write-log.ts';

const contents = ['first', 'second', 'third'].map((word, index) =>
  Buffer.alloc(70_000 + index * 5_000, word),
);
const nothing = (): void => undefined;

/** An image and its generations, by which of the contents they are. */
interface State {
  readonly image: string;
  readonly generations: readonly (readonly [number, string])[];
}

/** What two updates and a rollback made of a disk, request by request. */
export interface RecordedChanges {
  readonly kind: FilesystemKind;
  readonly folder: string;
  readonly before: string;
  readonly log: string;
  readonly writes: readonly LoggedWrite[];
  readonly states: readonly State[];
  /** How many requests had been made when each state was reached and its change had returned. */
  readonly returned: readonly number[];
}

export interface Verdict {
  readonly points: number;
  readonly wrong: readonly string[];
}

function nameOf(bytes: Buffer): string {
  const index = contents.findIndex((content) => content.equals(bytes));
  return index === -1 ? `${bytes.length} bytes of something else` : `content ${index}`;
}

async function stateOf(image: string): Promise<State> {
  const generations = (await listGenerations(image)).map((generation) =>
    generation.answer === 'altered'
      ? ([generation.number, `altered: ${generation.detail}`] as const)
      : ([generation.number, nameOf(readFileSync(generation.diskPath))] as const),
  );
  return { image: nameOf(readFileSync(image)), generations };
}

/** Promotes two images and rolls one back, on a disk whose requests are logged. */
export async function recordChanges(parent: string, kind: FilesystemKind): Promise<RecordedChanges> {
  const folder = mkdtempSync(join(parent, `${kind.name}-`));
  const image = join(folder, 'disk');
  const before = join(folder, 'before');
  const log = join(folder, 'log');
  const fresh = join(folder, 'fresh');
  const mountPoint = join(folder, 'mount');
  mkdirSync(mountPoint);
  makeDisk(image, kind);
  await withMounted(image, mountPoint, kind, () => {
    mkdirSync(join(mountPoint, 'images'));
    writeFileSync(join(mountPoint, 'images/web'), contents[0] ?? '');
  });
  copyFileSync(image, before);
  const states: State[] = [];
  const returned: number[] = [];
  await withLogged({ folder, image, log }, kind, async (top) => {
    const web = join(top, 'images/web');
    const settled = async (): Promise<void> => {
      states.push(await stateOf(web));
      returned.push(readWriteLog(log).length);
    };
    await settled();
    for (const content of contents.slice(1)) {
      writeFileSync(fresh, content);
      await update(web, fresh, nothing);
      await settled();
    }
    await undo(web, nothing);
    await settled();
  });
  return { kind, folder, before, log, states, returned, writes: readWriteLog(log) };
}

/**
 * Recovers from each power cut. What is there afterwards must be a state before or after one of the changes, whole,
 * and not older than the last change that had returned.
 */
export async function judgeChanges(changes: RecordedChanges, points: Iterable<CrashPoint>): Promise<Verdict> {
  const { before, log, writes, states, returned } = changes;
  const replay = openReplay(before, log, writes);
  const wrong: string[] = [];
  let count = 0;
  try {
    for (const point of points) {
      count += 1;
      const least = Math.max(
        0,
        returned.findLastIndex((requests) => requests <= point.certain),
      );
      const found = await recoverFrom(point, changes, replay);
      const index = states.findIndex((state) => JSON.stringify(state) === JSON.stringify(found));
      if (index < least)
        wrong.push(`${point.name}: ${JSON.stringify(found)} in place of state ${least} or later`);
    }
  } finally {
    replay.close();
  }
  return { points: count, wrong };
}

async function recoverFrom(
  point: CrashPoint,
  { folder, kind }: RecordedChanges,
  replay: ReturnType<typeof openReplay>,
): Promise<State | string> {
  const disk = join(folder, 'crashed');
  replay.make(point, disk);
  try {
    return await withMounted(disk, join(folder, 'mount'), kind, async () => {
      const image = join(folder, 'mount/images/web');
      await tidy(image);
      return stateOf(image);
    });
  } catch (error) {
    return String(error);
  } finally {
    rmSync(disk);
  }
}
