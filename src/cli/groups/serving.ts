import { wholeNumber } from '../whole-number.ts';
import type { Command } from 'commander';
import { cacheOption, configOption, print, printError } from '../shared-options.ts';

interface ServeFlags {
  readonly policies: string;
  readonly listen: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly behindProxy: boolean;
  readonly requestsPerSecond: number;
  readonly cache?: string;
  readonly config?: string;
}

/** The server, and what looks after its database. */
export function addServingCommands(program: Command): void {
  program
    .command('serve')
    .description(
      'collect, inspect and upgrade the images of sources, and answer at a REST interface (one host, SQLite; PostgreSQL and workers on other hosts are not there yet)',
    )
    .requiredOption('--policies <file>', 'sources and policies (JSON)')
    .option('--listen <address:port>', 'where to answer', '127.0.0.1:8930')
    .option('--tls-cert <file>', 'certificate (PEM)')
    .option('--tls-key <file>', 'its key (PEM)')
    .option('--behind-proxy', 'another program on this network ends TLS', false)
    .option('--requests-per-second <number>', 'of each token and address', wholeNumber, 50)
    .addOption(cacheOption())
    .addOption(configOption())
    .action(async (options: ServeFlags) => {
      const { serveCommand } = await import('../commands/serve.ts');
      await serveCommand({ print, printError }, options);
    });

  program
    .command('audit')
    .description('look after the audit log of the server')
    .command('verify')
    .description('compute every hash of the log again')
    .option('--head <hash>', 'a hash printed earlier: the log must still hold it')
    .option('--json', 'print JSON', false)
    .addOption(configOption())
    .action(async (options: { readonly head?: string; readonly json: boolean; readonly config?: string }) => {
      const { auditVerifyCommand } = await import('../commands/audit-verify.ts');
      await auditVerifyCommand({ print }, options);
    });
}
