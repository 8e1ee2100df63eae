/**
 * A machine that runs under a real QEMU is taken, without its memory and with it. It has no vTPM, and nothing to boot: its
 * firmware waits. Run as a process of its own: `node running-story.ts '{"root": ..., "work": ...}'`.
 */
import { existsSync, mkdirSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { takeMachineGeneration } from '../../../src/app/machine-generations.ts';
import { addNewMachine } from '../../../src/app/machines.ts';
import { type StartedProgram, startProgram } from '../../../src/lib/start-program.ts';
import { openHostState } from '../../../src/machines/definitions/host-state.ts';
import { openServiceKey } from '../../../src/machines/signing/service-key.ts';
import { type Chapter, configOf } from './story-chapter.ts';
import { machineName, placesIn, type StoryPlaces } from './story-places.ts';
import { writeSynced } from './write-synced.ts';

const { signal } = new AbortController();
/** QEMU rounds up to sectors, and the flash to its blocks. */
const bytes = 64 * 1024;

function chaptersOf(qmp: string): readonly Chapter[] {
  return [
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
          monitor: { qmp, agent: null },
        }),
    },
    takeRunning(false),
    takeRunning(true),
  ];
}

function takeRunning(memory: boolean): Chapter {
  return {
    name: memory ? 'take with its memory' : 'take',
    tell: (places) =>
      takeMachineGeneration(configOf(places), {
        machine: machineName,
        reason: 'the story',
        reserve: 0n,
        acceptPutBack: false,
        memory,
        signal,
      }),
  };
}

/** What is there before the story begins, all of it on the disk. */
export function prepareRunning(root: string, work: string): void {
  const { web, data, variables, golden, archive, permanent } = placesIn(root, work);
  for (const path of [web, data, variables, golden, archive, permanent])
    mkdirSync(dirname(path), { recursive: true });
  for (const [index, path] of [web, data, variables, golden].entries())
    writeSynced(path, Buffer.alloc(bytes, `member ${index} `));
}

function startMachine({ web, data, variables }: StoryPlaces, qmp: string): Promise<StartedProgram> {
  return startProgram({
    file: 'qemu-system-x86_64',
    args: [
      ['-machine', 'pc', '-accel', 'tcg', '-m', '8', '-nodefaults', '-display', 'none'],
      ['-drive', 'if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/seabios/bios-256k.bin'],
      ['-drive', `if=pflash,unit=1,format=raw,file=${variables}`],
      ...[web, data].flatMap((path, index) => [
        ['-blockdev', `driver=raw,node-name=disk${index},file.driver=file,file.filename=${path}`],
        ['-device', `virtio-blk-pci,drive=disk${index}`],
      ]),
      ['-qmp', `unix:${qmp},server=on,wait=off`],
    ].flat(),
    ready: { poll: () => Promise.resolve(existsSync(qmp)) },
    startTimeoutSeconds: 300,
  });
}

async function tellRunning(root: string, work: string): Promise<void> {
  const places = placesIn(root, work);
  const qmp = join(work, 'qmp');
  const machine = await startMachine(places, qmp);
  try {
    for (const chapter of chaptersOf(qmp)) {
      const on = (event: string, name: string): void => void writeSync(1, `${event}: ${name}\n`);
      await chapter.tell(places, { root, on });
      on('settled', chapter.name);
    }
  } finally {
    await machine.stop();
  }
}

if (import.meta.main) {
  const { root, work } = JSON.parse(process.argv[2] ?? '') as {
    readonly root: string;
    readonly work: string;
  };
  await tellRunning(root, work);
}
