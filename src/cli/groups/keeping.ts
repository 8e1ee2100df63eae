import { byteCount } from '../byte-count.ts';
import { wholeNumber } from '../whole-number.ts';
import { type Command, Option } from 'commander';
import { ColdpatchError } from '../../lib/errors.ts';
import { configOption, cacheOption, print } from '../shared-options.ts';

interface FeedFlags extends PoolFlags {
  readonly format: string;
}

interface PoolFlags {
  readonly json: boolean;
  readonly cache?: string;
  readonly config?: string;
}

/** Commands that look after the cache and the host. */
export function addKeepingCommands(program: Command): void {
  const advisories = program
    .command('advisories')
    .description('what distributions and others publish of vulnerabilities, for scans');
  const advisoriesCommand = (name: string): Command =>
    advisories
      .command(name)
      .option('--json', 'print JSON', false)
      .addOption(cacheOption())
      .addOption(configOption());
  const feedFormat = (): Option =>
    new Option('--format <format>', 'what the feed is')
      .choices(['debian-tracker', 'osv', 'csaf', 'updateinfo', 'alpine-secdb', 'cisa-kev', 'epss'])
      .makeOptionMandatory();

  advisoriesCommand('import <sources...>')
    .description('read feeds, from files or https addresses, in place of what the same sources said before')
    .addOption(feedFormat())
    .action(async (sources: string[], options: FeedFlags) => {
      const { importAdvisoriesCommand } = await import('../commands/advisories.ts');
      await importAdvisoriesCommand(await keepingIo(), { ...options, sources });
    });

  advisoriesCommand('list')
    .description('show which feeds were imported')
    .action(async (options: PoolFlags) => {
      const { listAdvisoriesCommand } = await import('../commands/advisories.ts');
      listAdvisoriesCommand(await keepingIo(), options);
    });

  advisoriesCommand('remove <sources...>')
    .description('forget what feeds said')
    .addOption(feedFormat())
    .action(async (sources: string[], options: FeedFlags) => {
      const { removeAdvisoriesCommand } = await import('../commands/advisories.ts');
      await removeAdvisoriesCommand({ ...options, sources });
    });

  const pool = program.command('pool').description('look after the packages and lists that the cache keeps');

  function poolCommand(name: string): Command {
    return pool
      .command(name)
      .option('--json', 'print JSON', false)
      .addOption(cacheOption())
      .addOption(configOption());
  }

  async function keepingIo() {
    const { terminalProgress } = await import('../terminal-progress.ts');
    return { print, progress: terminalProgress(process.stderr) };
  }

  poolCommand('verify')
    .description('compare every package and list with its digest')
    .option('--remove', 'remove what is damaged, to be fetched again', false)
    .action(async (options: PoolFlags & { readonly remove: boolean }) => {
      const { verifyPoolCommand } = await import('../commands/pool.ts');
      process.exitCode = await verifyPoolCommand(await keepingIo(), options);
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
      const { prunePoolCommand } = await import('../commands/pool.ts');
      await prunePoolCommand(await keepingIo(), options);
    });

  for (const direction of ['export', 'import'] as const) {
    poolCommand(`${direction} <file>`)
      .description(
        direction === 'export'
          ? 'write all packages, lists and signed states to one file, for a host without a network'
          : 'take in what another host exported; every file is verified',
      )
      .action(async (file: string, options: PoolFlags) => {
        const { transferPoolCommand } = await import('../commands/pool.ts');
        await transferPoolCommand(await keepingIo(), { ...options, file, direction });
      });
  }

  program
    .command('appliance')
    .description('the small machine in which images are upgraded that nobody trusts')
    .command('build')
    .description("build it from packages of this host's distribution, and use it from now on")
    .option('--json', 'print what it is made of as JSON', false)
    .addOption(cacheOption())
    .addOption(configOption())
    .action(async (options: PoolFlags) => {
      const { buildApplianceCommand } = await import('../commands/appliance.ts');
      await buildApplianceCommand({ print }, options);
    });

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
        const { doctorCommand } = await import('../commands/doctor.ts');
        process.exitCode = await doctorCommand({ print }, { directories, ...options });
      },
    );
}
