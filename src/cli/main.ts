/** The command line: reads arguments, calls the application, prints. Each command is loaded when it is asked for. */
import { Command, CommanderError } from 'commander';
import { ColdpatchError, errorCatalogue } from '../lib/errors.ts';
import { cleanText } from './clean-text.ts';
import { addKeepingCommands } from './groups/keeping.ts';
import { addReadingCommands } from './groups/reading.ts';
import { addRemoteCommands, namesServer } from './groups/remote.ts';
import { addServingCommands } from './groups/serving.ts';
import { addUpgradingCommands } from './groups/upgrading.ts';
import { addMachineCommands } from './machine-commands.ts';
import { print } from './shared-options.ts';

const program = new Command('coldpatch')
  .description('Keeps virtual machine images patched while they are switched off.')
  .version('0.1.0')
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(`coldpatch: ${text}`) })
  .option('--server <url>', 'ask a server instead of working here; before the verb')
  .option('--token-file <file>', 'with the token of the server; else it is in COLDPATCH_TOKEN')
  .showHelpAfterError('(see "coldpatch help")')
  .enablePositionalOptions();

if (namesServer(process.argv.slice(2))) addRemoteCommands(program);
else {
  addReadingCommands(program);
  addUpgradingCommands(program);
  addMachineCommands(program, { print });
  addKeepingCommands(program);
  addServingCommands(program);
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
