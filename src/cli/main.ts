/** The command line: reads arguments, calls the application, prints. Each command is loaded when it is asked for. */
import { Command, CommanderError, Option } from 'commander';
import type { InspectRequest } from '../guest/inspect-path.ts';
import { ColdpatchError, errorCatalogue } from '../lib/errors.ts';
import { cleanText } from './clean-text.ts';

const program = new Command('coldpatch')
  .description('Keeps virtual machine images patched while they are switched off.')
  .version('0.1.0')
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(`coldpatch: ${text}`) })
  .showHelpAfterError('(see "coldpatch help")')
  .enablePositionalOptions();

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];
const formatOption = (formats = ['raw', 'qcow2']): Option =>
  new Option('--image-format <format>', 'what the image is, when you know it').choices(formats);
const readableFormats = ['raw', 'qcow2', 'vmdk', 'vhd', 'vdi'];
const backingOption = (): Option =>
  new Option('--backing <file>', 'a backing file of the image; repeat for a chain, nearest first').argParser(
    collect,
  );
const configOption = (): Option =>
  new Option('--config <file>', 'configuration file').env('COLDPATCH_CONFIG');
const cacheOption = (): Option =>
  new Option('--cache <directory>', 'where packages and repository lists are kept');

const engineOption = (): Option => new Option('--engine <engine>', 'auto or namespace').default('auto');

function withSources(command: Command): Command {
  return command
    .addOption(formatOption())
    .addOption(backingOption())
    .option(
      '--repository <line>',
      'a one-line apt source to use in place of those of the image; repeatable',
      collect,
    )
    .option(
      '--allow-stale',
      'accept repository lists that have expired or are older than those seen before',
      false,
    )
    .option('--offline', 'use the repository lists fetched before', false)
    .option(
      '--snapshot <file>',
      'use the very states of the repositories that a plan, report or scan (JSON) names',
    )
    .addOption(cacheOption())
    .addOption(configOption());
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

/** What commander gives for the options that several commands share. */
interface ImageFlags {
  readonly imageFormat?: 'raw' | 'qcow2';
  readonly backing?: readonly string[];
  readonly json: boolean;
}

interface ReadFlags {
  readonly imageFormat?: NonNullable<InspectRequest['format']>;
  readonly backing?: readonly string[];
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

interface DiffFlags {
  readonly json: boolean;
  readonly backingBefore?: readonly string[];
  readonly backingAfter?: readonly string[];
}

interface SourceFlags extends ImageFlags {
  readonly repository?: readonly string[];
  readonly allowStale: boolean;
  readonly offline: boolean;
  readonly snapshot?: string;
  readonly cache?: string;
  readonly config?: string;
}

interface PoolFlags {
  readonly json: boolean;
  readonly cache?: string;
  readonly config?: string;
}

interface PlanFlags extends SourceFlags {
  readonly engine: string;
}

interface ScanFlags extends SourceFlags {
  readonly format: 'table' | 'json' | 'sarif' | 'vex' | 'html';
  readonly output?: string;
  readonly failOn?: 'any' | 'low' | 'medium' | 'high' | 'critical' | 'kev';
  readonly changelogs: boolean;
}

interface UpdateFlags extends PlanFlags {
  readonly trustImage: boolean;
  readonly acceptUnclean: boolean;
  readonly report?: string;
}

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
      import('./commands/inspect.ts'),
      import('../app/inspect.ts'),
      import('./terminal-progress.ts'),
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
    const { listCommand } = await import('./commands/files.ts');
    const { long, recursive, json } = options;
    listCommand(
      { print, printError },
      { ...treeOptions(image, options), inside: inside ?? '/', long, recursive, json },
    );
  });

withTree(program.command('cat <image> <path>'))
  .description('print a file inside an image')
  .action(async (image: string, inside: string, options: TreeFlags) => {
    const { catCommand } = await import('./commands/files.ts');
    catCommand({ ...treeOptions(image, options), inside });
  });

withTree(program.command('cp <image> <path> <destination>'))
  .description('copy a file or a directory out of an image; nothing that exists is overwritten')
  .action(async (image: string, inside: string, destination: string, options: TreeFlags) => {
    const { copyCommand } = await import('./commands/files.ts');
    copyCommand({ print, printError }, { ...treeOptions(image, options), inside, destination });
  });

program
  .command('diff <before> <after>')
  .description('show the packages and files in which two images differ')
  .option('--json', 'print JSON', false)
  .addOption(new Option('--backing-before <file>', 'as --backing, of the first image').argParser(collect))
  .addOption(new Option('--backing-after <file>', 'as --backing, of the second image').argParser(collect))
  .action(async (before: string, after: string, options: DiffFlags) => {
    const { diffCommand } = await import('./commands/diff.ts');
    process.exitCode = diffCommand(
      { print },
      {
        before: { path: before, backing: options.backingBefore },
        after: { path: after, backing: options.backingAfter },
        json: options.json,
      },
    );
  });

withSources(program.command('scan <images...>'))
  .description(
    'compare images with what is published: packages that lag, and the vulnerabilities that this leaves open',
  )
  .addOption(
    new Option(
      '--format <format>',
      'how to print it; of several images, JSON and VEX have one document a line',
    )
      .choices(['table', 'json', 'sarif', 'vex', 'html'])
      .default('table'),
  )
  .addOption(new Option('--json', 'the same as --format json').implies({ format: 'json' }))
  .option('--output <file>', 'write it there, in place of standard output')
  .addOption(
    new Option('--fail-on <gate>', 'end with exit code 4 when something of this kind is found').choices([
      'any',
      'low',
      'medium',
      'high',
      'critical',
      'kev',
    ]),
  )
  .option('--no-changelogs', 'do not fetch the new packages to read in their changelogs what they fix')
  .action(async (paths: string[], { format, ...options }: ScanFlags) => {
    const { scanCommand } = await import('./commands/scan.ts');
    process.exitCode = await scanCommand(
      { print, printError, stderr: process.stderr },
      { paths, outputFormat: format, ...options, ...imageOptions(options) },
    );
  });

withSources(program.command('plan <image>'))
  .description('show what an upgrade would change; no code of the image runs')
  .addOption(engineOption())
  .option('--json', 'print JSON', false)
  .action(async (image: string, options: PlanFlags) => {
    const { planCommand } = await import('./commands/plan.ts');
    await planCommand(
      { print, stderr: process.stderr },
      { path: image, ...options, ...imageOptions(options) },
    );
  });

withSources(program.command('update <image>'))
  .description('upgrade a copy of the image, verify it, and put it in the image’s place')
  .addOption(engineOption())
  .option('--trust-image', 'you trust everybody who could write into this image', false)
  .option('--accept-unclean', 'upgrade an image whose machine crashed', false)
  .option('--keep-conffiles', 'configuration files that you changed stay as they are (always so)', true)
  .option('--report <file>', 'write the report as JSON')
  .option('--json', 'print the report as JSON', false)
  .action(async (image: string, options: UpdateFlags) => {
    const { updateCommand } = await import('./commands/update.ts');
    await updateCommand(
      { print, stderr: process.stderr },
      { path: image, ...options, ...imageOptions(options) },
    );
  });

program
  .command('generations <image>')
  .description('list the former states of an image that are kept')
  .option('--json', 'print JSON', false)
  .action(async (image: string, options: { readonly json: boolean }) => {
    const { generationsCommand } = await import('./commands/generations.ts');
    await generationsCommand({ print }, { path: image, json: options.json });
  });

program
  .command('rollback <image>')
  .description('put a former state of an image back in its place; the present one is kept')
  .option('--generation <number>', 'which one; the newest that an update left unless given', wholeNumber)
  .option('--json', 'print JSON', false)
  .addOption(formatOption())
  .addOption(backingOption())
  .addOption(configOption())
  .action(
    async (
      image: string,
      options: ImageFlags & { readonly generation?: number; readonly config?: string },
    ) => {
      const { rollbackCommand } = await import('./commands/rollback.ts');
      await rollbackCommand({ print }, { path: image, ...options, ...imageOptions(options) });
    },
  );

const pool = program.command('pool').description('look after the packages and lists that the cache keeps');

function poolCommand(name: string): Command {
  return pool
    .command(name)
    .option('--json', 'print JSON', false)
    .addOption(cacheOption())
    .addOption(configOption());
}

async function poolIo() {
  const { terminalProgress } = await import('./terminal-progress.ts');
  return { print, progress: terminalProgress(process.stderr) };
}

poolCommand('verify')
  .description('compare every package and list with its digest')
  .option('--remove', 'remove what is damaged, to be fetched again', false)
  .action(async (options: PoolFlags & { readonly remove: boolean }) => {
    const { verifyPoolCommand } = await import('./commands/pool.ts');
    process.exitCode = await verifyPoolCommand(await poolIo(), options);
  });

poolCommand('prune')
  .description('remove what was not used for long; what was used within the last hour stays')
  .option('--max-age <days>', 'remove what was not used for so many days', wholeNumber)
  .option(
    '--max-size <bytes>',
    'remove packages, the longest unused first, until they take so many bytes (also 20G)',
    byteCount,
  )
  .action(async (options: PoolFlags & { readonly maxAge?: number; readonly maxSize?: number }) => {
    if (options.maxAge === undefined && options.maxSize === undefined)
      throw new ColdpatchError('usage', 'Expected --max-age, --max-size or both.');
    const { prunePoolCommand } = await import('./commands/pool.ts');
    await prunePoolCommand(await poolIo(), options);
  });

for (const direction of ['export', 'import'] as const) {
  poolCommand(`${direction} <file>`)
    .description(
      direction === 'export'
        ? 'write all packages, lists and signed states to one file, for a host without a network'
        : 'take in what another host exported; every file is verified',
    )
    .action(async (file: string, options: PoolFlags) => {
      const { transferPoolCommand } = await import('./commands/pool.ts');
      await transferPoolCommand(await poolIo(), { ...options, file, direction });
    });
}

program
  .command('doctor [directories...]')
  .description(
    'show what this host can do, what is missing, and what killed runs left beside the images in DIRECTORIES',
  )
  .option('--clean', 'clean what killed runs left', false)
  .option('--json', 'print JSON', false)
  .addOption(configOption())
  .action(
    async (
      directories: string[],
      options: { readonly clean: boolean; readonly json: boolean; readonly config?: string },
    ) => {
      const { doctorCommand } = await import('./commands/doctor.ts');
      process.exitCode = await doctorCommand({ print }, { directories, ...options });
    },
  );

function imageOptions<Format extends string>(options: {
  readonly imageFormat?: Format;
  readonly backing?: readonly string[];
}) {
  return {
    ...(options.imageFormat && { format: options.imageFormat }),
    ...(options.backing && { backing: options.backing }),
  };
}

function treeOptions(path: string, options: TreeFlags) {
  return { path, ...imageOptions(options), ...(options.volume !== undefined && { volume: options.volume }) };
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new ColdpatchError('usage', `Expected a whole number, but found "${text}".`);
}

function byteCount(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,12})([KMGT]?)$/.exec(text) ?? [];
  if (digits !== undefined) return Number(digits) * 1024 ** ' KMGT'.indexOf(unit || ' ');
  throw new ColdpatchError('usage', `Expected a number of bytes such as 500M or 20G, but found "${text}".`);
}

function print(text: string): void {
  process.stdout.write(text);
}

function printError(text: string): void {
  process.stderr.write(text);
}

/** One line with the code for scripts, then the message. @returns the exit code. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : errorCatalogue.usage.exit;
  const known = error instanceof ColdpatchError ? error : undefined;
  const code = known?.code ?? 'internal';
  const words =
    error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error);
  process.stderr.write(`coldpatch: error ${code}: ${words.split('\n').map(cleanText).join('\n')}\n`);
  return errorCatalogue[code].exit;
}

// Who reads us may have seen enough: `coldpatch ls IMAGE | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}
