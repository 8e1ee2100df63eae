/** The commands below `generations`: former states of whole machines. */
import { type Command, Option } from 'commander';
import { ColdpatchError } from '../lib/errors.ts';
import { byteCount } from './byte-count.ts';
import type { ImportOptions, PruneOptions } from './commands/move-generations.ts';
import type { GenerationOptions, ReserveOptions, TakeOptions } from './commands/machine-generations.ts';
import { wholeNumber } from './whole-number.ts';

interface Io {
  print(text: string): void;
}

const load = () => import('./commands/machine-generations.ts');
const loadMoves = () => import('./commands/move-generations.ts');
const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];
const numbers = (text: string, before: readonly number[] = []): number[] => [...before, wholeNumber(text)];

export function addMachineGenerationCommands(generations: Command, io: Io): void {
  const command = (name: string, description: string): Command =>
    generations
      .command(name)
      .description(description)
      .option('--json', 'print JSON', false)
      .addOption(new Option('--config <file>', 'configuration file').env('COLDPATCH_CONFIG'));
  const withReserve = (one: Command): Command =>
    one.option(
      '--reserve <bytes>',
      'refuse unless so much stays free where disks must be copied (also 20G)',
      byteCount,
      0,
    );

  withReserve(
    command('take [machine]', 'keep all disks, the vTPM and the UEFI variables of a machine, off or running'),
  )
    .option('--reason <text>', 'why, for the list', '')
    .option('--accept-put-back', 'also when somebody put a part of the machine back by hand', false)
    .option('--memory', 'of a machine that runs: its memory as well', false)
    .option('--qmp <socket>', "QEMU's monitor, in place of the one that is known of the machine")
    .option('--agent <socket>', 'where the guest agent of QEMU is, together with --qmp')
    .option('--all-due', 'every machine whose everyHours in the configuration have gone by', false)
    .action(async (machine: string | undefined, options: TakeOptions & { readonly allDue: boolean }) => {
      if (options.allDue === (machine !== undefined)) {
        throw new ColdpatchError('usage', 'Expected a machine, or --all-due.');
      }
      const { takeAllDueCommand, takeCommand } = await load();
      if (machine === undefined) process.exitCode = await takeAllDueCommand(io, options);
      else await takeCommand(io, machine, options);
    });

  command('list <machine>', 'list the generations of a machine').action(
    async (machine: string, options: GenerationOptions) => {
      process.exitCode = await (await load()).listCommand(io, machine, options);
    },
  );

  command('show <machine>', 'show one generation')
    .argument('<generation>', 'its number', wholeNumber)
    .action(async (machine: string, generation: number, options: GenerationOptions) => {
      process.exitCode = await (await load()).showCommand(io, machine, generation, options);
    });

  command(
    'verify <machine>',
    'compare every generation with what was signed, and the machine with its generations',
  ).action(async (machine: string, options: GenerationOptions) => {
    process.exitCode = await (await load()).verifyCommand(io, machine, options);
  });

  command('diff <machine>', 'show what changed from one generation to another')
    .argument('<before>', 'a number', wholeNumber)
    .argument('<after>', 'a number', wholeNumber)
    .action(async (machine: string, before: number, after: number, options: GenerationOptions) => {
      await (await load()).diffCommand(io, machine, [before, after], options);
    });

  command('delete <machine>', 'delete generations')
    .argument('[generations...]', 'their numbers', numbers)
    .option('--all', 'all of the machine', false)
    .action(
      async (
        machine: string,
        chosen: readonly number[] | undefined,
        options: GenerationOptions & { readonly all: boolean },
      ) => {
        await (await load()).deleteCommand(io, machine, chosen ?? [], options);
      },
    );

  command('prune <machine>', 'delete generations that are past a limit; the newest stays')
    .option('--keep <number>', 'so many of the newest stay', wholeNumber)
    .option('--max-age <days>', 'those that are older go', wholeNumber)
    .option('--max-size <bytes>', 'the oldest go until they take so many bytes (also 20G)', byteCount)
    .action(async (machine: string, options: PruneOptions) => {
      await (await loadMoves()).pruneCommand(io, machine, options);
    });

  command('export <machine>', 'write a generation with all its members to one file')
    .argument('<generation>', 'its number', wholeNumber)
    .argument('<file>', 'a new file')
    .action(async (machine: string, generation: number, file: string, options: GenerationOptions) => {
      await (await loadMoves()).exportCommand(io, machine, { ...options, generation, file });
    });

  command('import <machine> <file>', 'take in a generation that another host exported')
    .option('--key <file>', 'the public key of that host; repeatable', collect)
    .action(async (machine: string, file: string, options: ImportOptions) => {
      await (await loadMoves()).importCommand(io, machine, file, options);
    });

  withReserve(
    command('rollback <machine>', 'put a machine back to a generation, all of it; the present state is kept'),
  )
    .option('--generation <number>', 'which one; the newest that no rollback left unless given', wholeNumber)
    .action(async (machine: string, options: ReserveOptions & { readonly generation?: number }) => {
      await (await load()).rollbackMachineCommand(io, machine, options);
    });
}
