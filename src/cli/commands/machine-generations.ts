import {
  deleteMachineGenerations,
  diffMachineGenerations,
  listMachineGenerations,
  rollBackWholeMachine,
  showMachineGeneration,
  takeMachineGeneration,
  verifyMachine,
} from '../../app/machine-generations.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import type { GenerationAnswer } from '../../machines/machine-generations/read-generation.ts';
import { cleanText } from '../clean-text.ts';
import { interruptSignal } from '../interrupt-signal.ts';
import { loadCommandConfig } from '../load-command-config.ts';
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

const foundSomething = 4;

/** `coldpatch generations take MACHINE`. */
export async function takeCommand(
  { print }: Io,
  machine: string,
  options: ReserveOptions & { readonly reason: string },
): Promise<void> {
  const { number, manifest, methods, digest } = await takeMachineGeneration(loadCommandConfig(options), {
    machine,
    reason: options.reason,
    reserve: BigInt(options.reserve),
    signal: interruptSignal(),
  });
  if (options.json) {
    print(printJson({ generation: number, digest, copied: methods, manifest }));
    return;
  }
  const held = manifest.heldSeconds.toFixed(2);
  print(
    `Generation ${number} of ${machine}: ${manifest.members.length} members, disks by ${[...new Set(methods)].join(' and ')}; ` +
      `the machine was held for ${held} s.\n`,
  );
}

/** `coldpatch generations list MACHINE`. */
export async function listCommand({ print }: Io, machine: string, options: GenerationOptions): Promise<void> {
  const generations = await listMachineGenerations(loadCommandConfig(options), {
    machine,
    digests: false,
    signal: interruptSignal(),
  });
  if (options.json) print(printJson(generations));
  else print(generations.length === 0 ? `No generation of ${machine} is kept.\n` : tableOf(generations));
}

/** `coldpatch generations show MACHINE N`. */
export async function showCommand(
  { print }: Io,
  machine: string,
  generation: number,
  options: GenerationOptions,
): Promise<void> {
  const found = await showMachineGeneration(loadCommandConfig(options), {
    machine,
    generation,
    signal: interruptSignal(),
  });
  if (options.json) {
    print(printJson(found));
    return;
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
  ];
  print(lines.map((line) => `${cleanText(line)}\n`).join(''));
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
      ...found.present.findings.map((finding) => `found: ${cleanText(finding)}\n`),
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
  const counters = found.counters.map(({ counter, before, after }) => [
    counter,
    'changed',
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
  const { restored, kept, lost } = result;
  print(
    `${machine} is as in generation ${restored.number} again, of ${restored.manifest.takenAt}.\n` +
      `What it was until now is kept as generation ${kept.number}.\n` +
      lost
        .map(
          ({ counter, before, after }) =>
            `The guest will see the vTPM's counter "${counter}" go back from ${before} to ${after ?? 'nothing'}.\n`,
        )
        .join(''),
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
