import {
  deleteMachineGenerations,
  diffMachineGenerations,
  listMachineGenerations,
  rollBackWholeMachine,
  showMachineGeneration,
  takeMachineGeneration,
  verifyMachine,
} from '../../app/machine-generations.ts';
import { type DueAnswer, takeAllDue } from '../../app/keeping.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import type { Notice } from '../../machines/machine-generations/notice-present.ts';
import type { GenerationAnswer } from '../../machines/machine-generations/read-generation.ts';
import { cleanText } from '../clean-text.ts';
import { interruptSignal } from '../interrupt-signal.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { monitorOf } from '../monitor-of.ts';
import { printBytes } from '../print-bytes.ts';
import { printJson } from '../print-json.ts';
import { printTable } from '../print-table.ts';

interface Io {
  print(text: string): void;
}

export interface GenerationOptions {
  readonly json: boolean;
  readonly config?: string;
}

export interface ReserveOptions extends GenerationOptions {
  /** Bytes. */
  readonly reserve: number;
}

export interface TakeOptions extends ReserveOptions {
  readonly reason: string;
  readonly acceptPutBack: boolean;
  readonly memory: boolean;
  readonly qmp?: string;
  readonly agent?: string;
}

const foundSomething = 4;

/** `coldpatch generations take MACHINE`. */
export async function takeCommand({ print }: Io, machine: string, options: TakeOptions): Promise<void> {
  const { taken, pruned } = await takeMachineGeneration(loadCommandConfig(options), {
    machine,
    reason: options.reason,
    reserve: BigInt(options.reserve),
    acceptPutBack: options.acceptPutBack,
    memory: options.memory,
    monitor: monitorOf(options),
    signal: interruptSignal(),
  });
  const { number, manifest, methods, digest } = taken;
  const { running } = manifest;
  if (options.json) {
    const pauseSeconds = running?.pauseSeconds ?? null;
    print(printJson({ generation: number, digest, copied: methods, pauseSeconds, manifest, pruned }));
    return;
  }
  const held = running
    ? `the guest stood still for ${running.pauseSeconds.toFixed(3)} s, ${quiescenceWords[running.quiescence]}`
    : `the machine was held for ${manifest.heldSeconds.toFixed(2)} s`;
  print(
    `Generation ${number} of ${machine}: ${manifest.members.length} members, disks by ${[...new Set(methods)].join(' and ')}; ${held}.\n` +
      manifest.findings.map(foundLine).join('') +
      (pruned.length === 0 ? '' : `Deleted, as configured: ${pruned.join(', ')}\n`),
  );
}

const quiescenceWords = {
  frozen: 'with its filesystems frozen',
  no_agent: 'and no agent froze its filesystems: its disks are as after a power cut',
  refused: 'and its agent did not freeze its filesystems: its disks are as after a power cut',
  in_memory: 'and its memory is kept as well',
} as const;

/** `coldpatch generations take --all-due`. @returns the exit code. */
export async function takeAllDueCommand({ print }: Io, options: ReserveOptions): Promise<number> {
  const answers = await takeAllDue(loadCommandConfig(options), {
    reserve: BigInt(options.reserve),
    signal: interruptSignal(),
  });
  if (options.json) print(printJson(answers));
  else if (answers.length === 0) print('No machine has everyHours in the configuration.\n');
  else print(answers.map(dueLine).join(''));
  return answers.some(({ answer }) => answer === 'failed') ? 1 : 0;
}

function dueLine(due: DueAnswer): string {
  if (due.answer === 'not_due') return `${due.machine}: not due\n`;
  if (due.answer === 'in_use')
    return `${due.machine}: in use, left for the next time: ${cleanText(due.detail)}\n`;
  if (due.answer === 'failed') return `${due.machine}: error ${due.code}: ${cleanText(due.detail)}\n`;
  const pruned = due.pruned.length === 0 ? '' : `; deleted ${due.pruned.join(', ')}`;
  return `${due.machine}: generation ${due.generation}${pruned}\n`;
}

function foundLine(finding: string): string {
  return `found: ${cleanText(finding)}\n`;
}

/** To standard error with JSON, whose shape is that of the generations alone. @returns the exit code. */
function showNotice({ print }: Io, { looked, findings }: Notice, json: boolean): number {
  const lines = looked ? findings.map(foundLine) : ['The machine is in use, and was not looked at.\n'];
  if (!json) print(lines.join(''));
  else process.stderr.write(findings.map(foundLine).join(''));
  return findings.length === 0 ? 0 : foundSomething;
}

/** `coldpatch generations list MACHINE`. @returns the exit code: 4 when something was put back by hand. */
export async function listCommand(io: Io, machine: string, options: GenerationOptions): Promise<number> {
  const { print } = io;
  const { generations, notice } = await listMachineGenerations(loadCommandConfig(options), {
    machine,
    signal: interruptSignal(),
  });
  if (options.json) print(printJson(generations));
  else print(generations.length === 0 ? `No generation of ${machine} is kept.\n` : tableOf(generations));
  return showNotice(io, notice, options.json);
}

/** `coldpatch generations show MACHINE N`. @returns the exit code, as of `list`. */
export async function showCommand(
  io: Io,
  machine: string,
  generation: number,
  options: GenerationOptions,
): Promise<number> {
  const { print } = io;
  const { generation: found, notice } = await showMachineGeneration(loadCommandConfig(options), {
    machine,
    generation,
    signal: interruptSignal(),
  });
  if (options.json) {
    print(printJson(found));
    return showNotice(io, notice, true);
  }
  const { manifest } = found;
  const counters = manifest.vtpm ? { ...manifest.vtpm.counters, nv: undefined } : {};
  const lines = [
    `generation ${generation} of ${manifest.machine.name}, taken ${manifest.takenAt}: ${manifest.cause}`,
    ...(manifest.reason === '' ? [] : [manifest.reason]),
    ...(manifest.parent ? [`after generation ${manifest.parent.generation}`] : []),
    ...manifest.members.map(({ name, path, size, sha256 }) => `${name}  ${size}  ${sha256}  ${path}`),
    ...(manifest.vtpm
      ? [
          `vTPM: ${Object.entries({ ...counters, ...manifest.vtpm.counters.nv })
            .filter(([, value]) => value !== undefined)
            .map(([name, value]) => `${name} ${String(value)}`)
            .join(', ')}${manifest.vtpm.keyId === null ? '' : `; key ${manifest.vtpm.keyId}`}`,
        ]
      : []),
    ...manifest.problems.map((problem) => `problem: ${problem}`),
    ...manifest.findings.map((finding) => `found when it was taken: ${finding}`),
  ];
  print(lines.map((line) => `${cleanText(line)}\n`).join(''));
  return showNotice(io, notice, false);
}

/** `coldpatch generations verify MACHINE`. @returns the exit code: 4 when something is not as it should be. */
export async function verifyCommand(
  { print }: Io,
  machine: string,
  options: GenerationOptions,
): Promise<number> {
  const found = await verifyMachine(loadCommandConfig(options), { machine, signal: interruptSignal() });
  const altered = found.generations.filter(({ answer }) => answer === 'altered');
  if (options.json) {
    print(printJson(found));
  } else {
    const members = found.present.members.map(({ name, state, generations }) => [
      name,
      state,
      generations.join(', '),
    ]);
    const lines = [
      ...(found.generations.length === 0 ? [] : [tableOf(found.generations)]),
      `${printTable(['member', 'now', 'as in generation'], members).join('\n')}\n`,
      ...found.present.findings.map(foundLine),
    ];
    print(lines.join('\n'));
  }
  return altered.length === 0 && found.present.findings.length === 0 ? 0 : foundSomething;
}

/** `coldpatch generations diff MACHINE A B`. */
export async function diffCommand(
  { print }: Io,
  machine: string,
  [before, after]: readonly [number, number],
  options: GenerationOptions,
): Promise<void> {
  const found = await diffMachineGenerations(loadCommandConfig(options), {
    machine,
    before,
    after,
    signal: interruptSignal(),
  });
  if (options.json) {
    print(printJson(found));
    return;
  }
  const members = found.members.map(({ name, change, sizeBefore, sizeAfter }) => [
    name,
    change,
    String(sizeBefore ?? ''),
    String(sizeAfter ?? ''),
  ]);
  const counters = found.counters.map(({ counter, before, after, backwards }) => [
    counter,
    backwards ? 'went back' : 'changed',
    before ?? '',
    after ?? '',
  ]);
  print(
    `${printTable(['what', 'change', String(before), String(after)], [...members, ...counters]).join('\n')}\n`,
  );
}

/** `coldpatch generations delete MACHINE N...`. */
export async function deleteCommand(
  { print }: Io,
  machine: string,
  numbers: readonly number[],
  options: GenerationOptions & { readonly all: boolean },
): Promise<void> {
  if (options.all === numbers.length > 0) {
    throw new ColdpatchError('usage', 'Expected numbers of generations, or --all.');
  }
  const deleted = await deleteMachineGenerations(loadCommandConfig(options), {
    machine,
    generations: options.all ? 'all' : numbers,
    signal: interruptSignal(),
  });
  print(options.json ? printJson({ deleted }) : `Deleted ${deleted.length}: ${deleted.join(', ')}\n`);
}

/** `coldpatch generations rollback MACHINE`. */
export async function rollbackMachineCommand(
  { print }: Io,
  machine: string,
  options: ReserveOptions & { readonly generation?: number },
): Promise<void> {
  const result = await rollBackWholeMachine(loadCommandConfig(options), {
    machine,
    generation: options.generation,
    reserve: BigInt(options.reserve),
    signal: interruptSignal(),
  });
  if (options.json) {
    print(printJson(result));
    return;
  }
  const { restored, kept, lost, memory } = result;
  print(
    `${machine} is as in generation ${restored.number} again, of ${restored.manifest.takenAt}.\n` +
      `What it was until now is kept as generation ${kept.number}.\n` +
      kept.manifest.findings.map((finding) => `Before the rollback, ${foundLine(finding)}`).join('') +
      lost
        .map(
          ({ counter, before, after }) =>
            `The guest will see the vTPM's counter "${counter}" go back from ${before} to ${after ?? 'nothing'}.\n`,
        )
        .join('') +
      (memory === null
        ? ''
        : `Its memory is in ${cleanText(memory)}: to resume the guest, give that to -incoming of a QEMU with the same options.\n`),
  );
}

function tableOf(generations: readonly GenerationAnswer[]): string {
  const rows = generations.map((one) =>
    one.answer === 'complete'
      ? [
          one.number,
          one.manifest.takenAt,
          one.manifest.problems.length === 0 ? one.manifest.cause : 'broken machine',
          one.manifest.members.length,
          printBytes(one.manifest.members.reduce((sum, { size }) => sum + size, 0)),
          one.manifest.problems[0] ?? one.manifest.reason,
        ]
      : [one.number, '', 'altered', 0, '', one.detail],
  );
  return `${printTable(['generation', 'taken', 'cause', 'members', 'size', ''], rows).join('\n')}\n`;
}
