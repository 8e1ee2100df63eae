import { type Command, Option } from 'commander';
import type { InspectRequest } from '../../guest/open-requested-image.ts';
import { byteCount } from '../byte-count.ts';
import { wholeNumber } from '../whole-number.ts';
import { backingOption, collect, formatOption, imageOptions, print, printError } from '../shared-options.ts';

const readableFormats = ['raw', 'qcow2', 'vmdk', 'vhdx', 'vhd', 'vdi', 'ova'];

interface ScratchFlags {
  readonly scratch?: string;
  readonly scratchLimit?: number;
}

interface ReadFlags extends ScratchFlags {
  readonly imageFormat?: NonNullable<InspectRequest['format']>;
  readonly backing?: readonly string[];
  readonly extent?: readonly string[];
  readonly disk?: number;
}

interface InspectFlags extends ReadFlags {
  readonly format: 'table' | 'json' | 'cyclonedx' | 'spdx';
  readonly packages: boolean;
}

interface TreeFlags extends ReadFlags {
  readonly volume?: string;
}

interface ListFlags extends TreeFlags {
  readonly long: boolean;
  readonly recursive: boolean;
  readonly json: boolean;
}

interface DiffFlags extends ScratchFlags {
  readonly json: boolean;
  readonly backingBefore?: readonly string[];
  readonly backingAfter?: readonly string[];
  readonly extentBefore?: readonly string[];
  readonly extentAfter?: readonly string[];
  readonly diskBefore?: number;
  readonly diskAfter?: number;
}

/** How to read an image that may not be one plain file. */
function withParts(command: Command): Command {
  return withScratch(command)
    .addOption(formatOption(readableFormats))
    .addOption(backingOption())
    .addOption(
      new Option('--extent <file>', 'a file in which a VMDK keeps its disk; repeat for each').argParser(
        collect,
      ),
    )
    .option('--disk <number>', 'which disk of an OVA that holds several', wholeNumber);
}

function withScratch(command: Command): Command {
  return command
    .option('--scratch <directory>', 'where compressed images are unpacked')
    .option(
      '--scratch-limit <bytes>',
      'what an image may unpack to, such as 100G (64G unless given)',
      byteCount,
    );
}

function withTree(command: Command): Command {
  return withParts(command).option(
    '--volume <name>',
    'one volume, as inspect names it, in place of the tree that the guest would mount',
  );
}

function readOptions(options: ReadFlags) {
  return {
    ...imageOptions(options),
    ...(options.extent && { extents: options.extent }),
    ...(options.disk !== undefined && { disk: options.disk }),
    ...scratchOptions(options),
  };
}

function scratchOptions({ scratch, scratchLimit }: ScratchFlags) {
  return { scratch: { directory: scratch, limit: scratchLimit } };
}

function treeOptions(path: string, options: TreeFlags) {
  return { path, ...readOptions(options), ...(options.volume !== undefined && { volume: options.volume }) };
}

/** Commands that look into images and change nothing. */
export function addReadingCommands(program: Command): void {
  withParts(program.command('inspect <images...>'))
    .description('show what switched-off images hold; changes nothing and needs no root')
    .addOption(
      new Option('--format <format>', 'how to print it; of several images, JSON has one document a line')
        .choices(['table', 'json', 'cyclonedx', 'spdx'])
        .default('table'),
    )
    .addOption(new Option('--json', 'the same as --format json').implies({ format: 'json' }))
    .option('--packages', 'list every package', false)
    .action(async (paths: string[], options: InspectFlags) => {
      const [{ inspectCommand }, { inspectMany }, { terminalProgress }] = await Promise.all([
        import('../commands/inspect.ts'),
        import('../../app/inspect.ts'),
        import('../terminal-progress.ts'),
      ]);
      process.exitCode = await inspectCommand(
        {
          inspect: inspectMany,
          print,
          printError,
          // On a terminal the results themselves are the progress.
          ...(!process.stdout.isTTY && { progress: terminalProgress(process.stderr) }),
        },
        { paths, outputFormat: options.format, packages: options.packages, ...readOptions(options) },
      );
    });

  withTree(program.command('ls <image> [path]'))
    .description('list a directory inside an image')
    .option('-l, --long', 'with modes, owners, sizes and times', false)
    .option('-R, --recursive', 'with all that is below it', false)
    .option('--json', 'print JSON', false)
    .action(async (image: string, inside: string | undefined, options: ListFlags) => {
      const { listCommand } = await import('../commands/files.ts');
      const { long, recursive, json } = options;
      listCommand(
        { print, printError },
        { ...treeOptions(image, options), inside: inside ?? '/', long, recursive, json },
      );
    });

  withTree(program.command('cat <image> <path>'))
    .description('print a file inside an image')
    .action(async (image: string, inside: string, options: TreeFlags) => {
      const { catCommand } = await import('../commands/files.ts');
      catCommand({ ...treeOptions(image, options), inside });
    });

  withTree(program.command('cp <image> <path> <destination>'))
    .description('copy a file or a directory out of an image; nothing that exists is overwritten')
    .action(async (image: string, inside: string, destination: string, options: TreeFlags) => {
      const { copyCommand } = await import('../commands/files.ts');
      copyCommand({ print, printError }, { ...treeOptions(image, options), inside, destination });
    });

  withScratch(program.command('diff <before> <after>'))
    .description('show the packages and files in which two images differ')
    .option('--json', 'print JSON', false)
    .addOption(new Option('--backing-before <file>', 'as --backing, of the first image').argParser(collect))
    .addOption(new Option('--backing-after <file>', 'as --backing, of the second image').argParser(collect))
    .addOption(new Option('--extent-before <file>', 'as --extent, of the first image').argParser(collect))
    .addOption(new Option('--extent-after <file>', 'as --extent, of the second image').argParser(collect))
    .option('--disk-before <number>', 'as --disk, of the first image', wholeNumber)
    .option('--disk-after <number>', 'as --disk, of the second image', wholeNumber)
    .action(async (before: string, after: string, options: DiffFlags) => {
      const { diffCommand } = await import('../commands/diff.ts');
      process.exitCode = diffCommand(
        { print },
        {
          before: {
            path: before,
            backing: options.backingBefore,
            extents: options.extentBefore,
            disk: options.diskBefore,
            ...scratchOptions(options),
          },
          after: {
            path: after,
            backing: options.backingAfter,
            extents: options.extentAfter,
            disk: options.diskAfter,
            ...scratchOptions(options),
          },
          json: options.json,
        },
      );
    });
}
