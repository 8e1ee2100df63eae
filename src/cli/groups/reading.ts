import { type Command, Option } from 'commander';
import {
  collect,
  formatOption,
  readableFormats,
  backingOption,
  type ReadFlags,
  imageOptions,
  print,
  printError,
} from '../shared-options.ts';

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

interface DiffFlags {
  readonly json: boolean;
  readonly backingBefore?: readonly string[];
  readonly backingAfter?: readonly string[];
}

function withTree(command: Command): Command {
  return command
    .option(
      '--volume <name>',
      'one volume, as inspect names it, in place of the tree that the guest would mount',
    )
    .addOption(formatOption(readableFormats))
    .addOption(backingOption());
}

function treeOptions(path: string, options: TreeFlags) {
  return { path, ...imageOptions(options), ...(options.volume !== undefined && { volume: options.volume }) };
}

/** Commands that look into images and change nothing. */
export function addReadingCommands(program: Command): void {
  program
    .command('inspect <images...>')
    .description('show what switched-off images hold; changes nothing and needs no root')
    .addOption(
      new Option('--format <format>', 'how to print it; of several images, JSON has one document a line')
        .choices(['table', 'json', 'cyclonedx', 'spdx'])
        .default('table'),
    )
    .addOption(new Option('--json', 'the same as --format json').implies({ format: 'json' }))
    .option('--packages', 'list every package', false)
    .addOption(formatOption(readableFormats))
    .addOption(backingOption())
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
        { paths, outputFormat: options.format, packages: options.packages, ...imageOptions(options) },
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

  program
    .command('diff <before> <after>')
    .description('show the packages and files in which two images differ')
    .option('--json', 'print JSON', false)
    .addOption(new Option('--backing-before <file>', 'as --backing, of the first image').argParser(collect))
    .addOption(new Option('--backing-after <file>', 'as --backing, of the second image').argParser(collect))
    .action(async (before: string, after: string, options: DiffFlags) => {
      const { diffCommand } = await import('../commands/diff.ts');
      process.exitCode = diffCommand(
        { print },
        {
          before: { path: before, backing: options.backingBefore },
          after: { path: after, backing: options.backingAfter },
          json: options.json,
        },
      );
    });
}
