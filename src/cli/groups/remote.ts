import type { Command } from 'commander';
import { interruptSignal } from '../interrupt-signal.ts';
import type * as remoteCommands from '../remote/remote-commands.ts';
import { print } from '../shared-options.ts';
import { wholeNumber } from '../whole-number.ts';

type Commands = typeof remoteCommands;

interface ServerFlags {
  readonly server: string;
  readonly tokenFile?: string;
}

interface VerbFlags {
  readonly json?: boolean | undefined;
  readonly follow?: boolean | undefined;
}

/** True when the arguments before the first verb name a server. */
export function namesServer(args: readonly string[]): boolean {
  for (let at = 0; at < args.length; at += 1) {
    const argument = args[at] ?? '';
    if (argument === '--server' || argument.startsWith('--server=')) return true;
    if (argument === '--token-file') at += 1;
    else if (!argument.startsWith('-')) return false;
  }
  return false;
}

/** What can be asked of a server: the verbs of this program, for images of its inventory. */
export function addRemoteCommands(program: Command): void {
  const run = async (
    flags: VerbFlags,
    work: (commands: Commands, context: remoteCommands.RemoteContext) => Promise<void>,
  ): Promise<void> => {
    const [commands, { createServerClient }, { readToken }] = await Promise.all([
      import('../remote/remote-commands.ts'),
      import('../remote/server-client.ts'),
      import('../remote/read-token.ts'),
    ]);
    const { server, tokenFile } = program.opts<ServerFlags>();
    const signal = interruptSignal();
    const token = readToken(tokenFile, process.env);
    const client = createServerClient({ url: server, token, signal });
    await work(commands, { client, signal, json: flags.json ?? false, print });
  };
  const verb = (name: string, description: string): Command =>
    program.command(name).description(description).option('--json', 'print JSON', false);
  const image = (name: string, description: string): Command =>
    verb(name, description).argument('<image>', 'its id, or where it is');
  const following = (command: Command): Command =>
    command.option('--follow', 'print what happens until it ends or waits', false);

  verb('list', 'images of the inventory')
    .option('--source <id>')
    .option('--system <id>', 'debian, ubuntu, ...')
    .option('--search <text>', 'part of where it is')
    .option('--outdated', 'only those for which an upgrade is published')
    .option('--package <name>')
    .option('--below <version>', 'only with a version of the package below this one')
    .option('--advisory <id>', 'only those open to this vulnerability: CVE-2024-6387')
    .action(({ json, ...filter }: VerbFlags & Readonly<Record<string, string | boolean | undefined>>) =>
      run({ json }, (commands, context) => commands.listCommand(context, filter)),
    );
  image('show', 'what is known of an image, as JSON').action((id: string, flags: VerbFlags) =>
    run(flags, (commands, context) => commands.showCommand(context, id)),
  );
  image('inspect', 'what was found in an image, as JSON').action((id: string, flags: VerbFlags) =>
    run(flags, (commands, context) => commands.inspectCommand(context, id)),
  );
  image('scan', 'what an image is open to, as it was compared last').action((id: string, flags: VerbFlags) =>
    run(flags, (commands, context) => commands.scanCommand(context, id)),
  );
  image('generations', 'the former states that are kept').action((id: string, flags: VerbFlags) =>
    run(flags, (commands, context) => commands.generationsCommand(context, id)),
  );
  following(image('update', 'upgrade an image, as the policy of its source says')).action(
    (id: string, flags: VerbFlags) =>
      run(flags, (commands, context) =>
        commands.startCommand(context, id, { kind: 'upgrade', follow: flags.follow ?? false }),
      ),
  );
  following(image('match', 'read an image and compare it with what is published')).action(
    (id: string, flags: VerbFlags) =>
      run(flags, (commands, context) =>
        commands.startCommand(context, id, { kind: 'inspect', follow: flags.follow ?? false }),
      ),
  );
  following(image('rollback', 'put a former state back'))
    .option('--generation <number>', 'which; the newest of an upgrade unless given', wholeNumber)
    .action((id: string, flags: VerbFlags & { readonly generation?: number }) =>
      run(flags, (commands, context) =>
        commands.startCommand(context, id, {
          kind: 'rollback',
          generation: flags.generation,
          follow: flags.follow ?? false,
        }),
      ),
    );
  image('release', 'let an image that was rolled back be upgraded by itself again').action(
    (id: string, flags: VerbFlags) => run(flags, (commands, context) => commands.releaseCommand(context, id)),
  );
  following(verb('collect', 'list a source now').argument('<source>')).action(
    (id: string, flags: VerbFlags) =>
      run(flags, (commands, context) =>
        commands.collectCommand(context, id, { follow: flags.follow ?? false }),
      ),
  );
  verb('runs', 'what the server does and did')
    .option('--state <state>')
    .option('--kind <kind>')
    .option('--image <id>')
    .action(({ json, ...filter }: VerbFlags & Readonly<Record<string, string | boolean | undefined>>) =>
      run({ json }, (commands, context) => commands.runsCommand(context, filter)),
    );
  verb('follow', 'print what happens to a run until it ends or waits')
    .argument('<run>')
    .action((id: string, flags: VerbFlags) =>
      run(flags, (commands, context) => commands.followCommand(context, id)),
    );
  for (const decision of ['approve', 'cancel'] as const)
    following(verb(decision, `${decision} a run`).argument('<run>')).action((id: string, flags: VerbFlags) =>
      run(flags, (commands, context) =>
        commands.decideCommand(context, id, { verb: decision, follow: flags.follow ?? false }),
      ),
    );
  verb('attestation', 'the signed statement of what a run promoted, as JSON')
    .argument('<run>')
    .action((id: string, flags: VerbFlags) =>
      run(flags, (commands, context) => commands.attestationCommand(context, id)),
    );
}
