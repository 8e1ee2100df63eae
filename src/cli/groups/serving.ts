import { type Command, Option } from 'commander';
import { wholeNumber } from '../whole-number.ts';
import type { ServeOptions } from '../commands/serve.ts';
import type { WorkerOptions } from '../commands/worker.ts';
import { cacheOption, configOption, print, printError } from '../shared-options.ts';

interface AuditVerifyFlags {
  readonly head?: string;
  readonly json: boolean;
  readonly database?: string;
  readonly config?: string;
}

/** Others can read the arguments of a program, but not its environment: a URL with a password belongs there. */
const databaseOption = (): Option =>
  new Option('--database <url>', 'PostgreSQL (postgres://user@host/name)').env('COLDPATCH_DATABASE');

/** The server, and what looks after its database. */
export function addServingCommands(program: Command): void {
  program
    .command('serve')
    .description(
      'collect, inspect and upgrade the images of sources, and answer at a REST interface (with --database, workers do the work)',
    )
    .requiredOption('--policies <file>', 'sources and policies (JSON)')
    .addOption(databaseOption())
    .option('--listen <address:port>', 'where to answer', '127.0.0.1:8930')
    .option('--tls-cert <file>', 'certificate (PEM)')
    .option('--tls-key <file>', 'its key (PEM)')
    .option('--behind-proxy', 'another program on this network ends TLS', false)
    .option('--requests-per-second <number>', 'of each token and address', wholeNumber, 50)
    .addOption(cacheOption())
    .addOption(configOption())
    .action(async (options: ServeOptions) => {
      const { serveCommand } = await import('../commands/serve.ts');
      await serveCommand({ print, printError }, options);
    });

  program
    .command('worker')
    .description('carry out the runs of a server with a PostgreSQL database, on this host')
    .addOption(databaseOption().makeOptionMandatory())
    .option('--host <name>', 'by which sources name this host; its own name unless given')
    .addOption(cacheOption())
    .addOption(configOption())
    .action(async (options: WorkerOptions) => {
      const { workerCommand } = await import('../commands/worker.ts');
      await workerCommand({ print, printError }, options);
    });

  program
    .command('audit')
    .description('look after the audit log of the server')
    .command('verify')
    .description('compute every hash of the log again')
    .option('--head <hash>', 'a hash printed earlier: the log must still hold it')
    .option('--json', 'print JSON', false)
    .addOption(databaseOption())
    .addOption(configOption())
    .action(async (options: AuditVerifyFlags) => {
      const { auditVerifyCommand } = await import('../commands/audit-verify.ts');
      await auditVerifyCommand({ print }, options);
    });

  program
    .command('backup')
    .description('write the database of the server into a new file, also while it works')
    .argument('<file>')
    .option('--json', 'print JSON', false)
    .addOption(configOption())
    .action(async (file: string, options: { readonly json: boolean; readonly config?: string }) => {
      const { backupCommand } = await import('../commands/backup.ts');
      await backupCommand({ print }, { file, ...options });
    });

  program
    .command('restore')
    .description('put a backup in the place of the database; the server must be stopped')
    .argument('<file>')
    .option('--json', 'print JSON', false)
    .addOption(configOption())
    .action(async (file: string, options: { readonly json: boolean; readonly config?: string }) => {
      const { restoreCommand } = await import('../commands/backup.ts');
      await restoreCommand({ print }, { file, ...options });
    });
}
