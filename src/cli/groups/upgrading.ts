import { type Command, Option } from 'commander';
import { wholeNumber } from '../whole-number.ts';
import {
  allowUnsignedOption,
  backingOption,
  cacheOption,
  collect,
  configOption,
  engineOption,
  formatOption,
  type ImageFlags,
  withSources,
  type SourceFlags,
  imageOptions,
  print,
  printError,
} from '../shared-options.ts';

interface PlanFlags extends SourceFlags {
  readonly engine: string;
}

interface ScanFlags extends SourceFlags {
  readonly format: 'table' | 'json' | 'sarif' | 'vex' | 'html';
  readonly output?: string;
  readonly failOn?: 'any' | 'low' | 'medium' | 'high' | 'critical' | 'kev';
  readonly changelogs: boolean;
  readonly allowUnsigned: boolean;
}

interface ForecastFlags extends ImageFlags {
  readonly uefiVars?: string;
  readonly generation?: readonly number[];
}

interface PolicyFlags extends SourceFlags {
  readonly policy: string;
  readonly allowUnsigned: boolean;
}

interface BootTestFlags extends ImageFlags {
  readonly machine?: string;
  readonly probe?: readonly string[];
  readonly timeLimit: number;
  readonly memory: number;
  readonly evidence?: string;
  readonly cache?: string;
  readonly config?: string;
}

interface UpdateFlags extends PlanFlags, Omit<BootTestFlags, 'machine'> {
  readonly bootTest: boolean;
  readonly trustImage: boolean;
  readonly acceptUnclean: boolean;
  readonly report?: string;
}

const collectNumbers = (value: string, before: readonly number[] = []): number[] => [
  ...before,
  wholeNumber(value),
];

const probeOption = (): Option =>
  new Option(
    '--probe <probe>',
    'what must be true inside once it is up: tcp:PORT, or command:LINE for its shell; repeatable',
  ).argParser(collect);
const timeLimitOption = (): Option =>
  new Option('--time-limit <seconds>', 'for each start of the boot test').argParser(wholeNumber).default(900);
const memoryOption = (): Option =>
  new Option('--memory <mebibytes>', 'of the machine that the boot test starts')
    .argParser(wholeNumber)
    .default(1024);
const evidenceOption = (): Option =>
  new Option(
    '--evidence <directory>',
    'an empty folder for console text, picture and journal; unless given they are kept beside the image, until the next test',
  );

/** Commands that compare images with what is published, and upgrade them. */
export function addUpgradingCommands(program: Command): void {
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
    .addOption(allowUnsignedOption())
    .option('--no-changelogs', 'do not fetch the new packages to read in their changelogs what they fix')
    .action(async (paths: string[], { format, ...options }: ScanFlags) => {
      const { scanCommand } = await import('../commands/scan.ts');
      process.exitCode = await scanCommand(
        { print, printError, stderr: process.stderr },
        { paths, outputFormat: format, ...options, ...imageOptions(options) },
      );
    });

  withSources(
    program.command('policy').description('rules on how stale images may be').command('check <images...>'),
  )
    .description('hold images against a policy; ends with exit code 4 when one breaks a rule')
    .requiredOption('--policy <file>', 'the policy (JSON)')
    .addOption(allowUnsignedOption())
    .option('--json', 'print JSON', false)
    .action(async (paths: string[], options: PolicyFlags) => {
      const { policyCommand } = await import('../commands/policy.ts');
      process.exitCode = await policyCommand(
        { print, printError, stderr: process.stderr },
        { paths, changelogs: true, ...options, ...imageOptions(options) },
      );
    });

  withSources(program.command('plan <image>'))
    .description('show what an upgrade would change; no code of the image runs')
    .addOption(engineOption())
    .option('--json', 'print JSON', false)
    .action(async (image: string, options: PlanFlags) => {
      const { planCommand } = await import('../commands/plan.ts');
      await planCommand(
        { print, stderr: process.stderr },
        { path: image, ...options, ...imageOptions(options) },
      );
    });

  program
    .command('forecast <image>')
    .description(
      'show which registers of a TPM a patch will move, which keys depend on them, and what still starts',
    )
    .addOption(formatOption())
    .addOption(backingOption())
    .option('--uefi-vars <file>', 'the UEFI variables of the machine: judge by its SBAT level, db and dbx')
    .option(
      '--generation <number>',
      'judge this former state of the image, in place of all; repeatable',
      collectNumbers,
    )
    .option('--json', 'print JSON', false)
    .action(async (path: string, { uefiVars, generation, json, ...options }: ForecastFlags) => {
      const { forecastCommand } = await import('../commands/forecast.ts');
      await forecastCommand(
        { print },
        { image: { path, ...imageOptions(options) }, uefiVariables: uefiVars, generations: generation, json },
      );
    });

  program
    .command('boot-test [image]')
    .description(
      'start a throw-away clone without a network, and show how it comes up; ends with exit code 4 when it is not healthy',
    )
    .option('--machine <name>', 'a machine with its disks, UEFI variables and vTPM, in place of an image')
    .addOption(probeOption())
    .addOption(timeLimitOption())
    .addOption(memoryOption())
    .addOption(evidenceOption())
    .addOption(formatOption())
    .addOption(backingOption())
    .addOption(cacheOption())
    .addOption(configOption())
    .option('--json', 'print JSON', false)
    .action(async (image: string | undefined, options: BootTestFlags) => {
      const { bootTestCommand } = await import('../commands/boot-test.ts');
      process.exitCode = await bootTestCommand(
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
    .option('--boot-test', 'start clones of the copy before it takes the image’s place', false)
    .addOption(probeOption())
    .addOption(timeLimitOption())
    .addOption(memoryOption())
    .addOption(evidenceOption())
    .option('--report <file>', 'write the report as JSON')
    .option('--json', 'print the report as JSON', false)
    .action(async (image: string, options: UpdateFlags) => {
      const { updateCommand } = await import('../commands/update.ts');
      await updateCommand(
        { print, stderr: process.stderr },
        { path: image, ...options, ...imageOptions(options) },
      );
    });
}
