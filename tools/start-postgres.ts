import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, globSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runProgramOrFail } from '../src/lib/run-program.ts';
import { startProgram } from '../src/lib/start-program.ts';

/** A PostgreSQL of its own, on a socket and no port. */
export interface RunningPostgres {
  /** Of a new, empty database. */
  makeDatabase(name: string): Promise<string>;
  /** Breaks all connections and refuses new ones until it is started again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Makes a cluster below `folder` as the user postgres, and runs it; needs root. It dies with this process.
 * Unless it is `durable` nothing is synced: a loss of power would break it, and nothing else does.
 */
export async function startPostgres(
  folder: string,
  { durable = false }: { readonly durable?: boolean } = {},
): Promise<RunningPostgres> {
  const programs = dirname(globSync('/usr/lib/postgresql/*/bin/initdb').toSorted().at(-1) ?? '/nowhere/none');
  const [id = 0, group = 0] = ['-u', '-g'].map((flag) =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' })),
  );
  const place = join(folder, 'postgres');
  mkdirSync(place);
  chownSync(place, id, group);
  // The user postgres has to reach its folder, and to see nothing else of ours.
  for (let parent = folder; parent !== '/' && parent !== '/tmp'; parent = dirname(parent))
    chmodSync(parent, 0o711);
  const data = join(place, 'data');
  const as = ['--reuid', String(id), '--regid', String(group), '--clear-groups', '--'];
  const initialise = [join(programs, 'initdb'), '--no-sync', '--auth=trust', '--encoding=UTF8', '-D', data];
  await runProgramOrFail({
    file: 'setpriv',
    args: [...as, ...initialise],
    workingDirectory: place,
    timeoutSeconds: 300,
  });
  const settings = [
    'listen_addresses=',
    'unix_socket_permissions=0700',
    ...(durable ? [] : ['fsync=off', 'full_page_writes=off']),
  ];
  const run = (): ReturnType<typeof startProgram> =>
    startProgram({
      file: join(programs, 'postgres'),
      args: ['-D', data, '-k', place, ...settings.flatMap((setting) => ['-c', setting])],
      user: { id, groups: [] },
      workingDirectory: place,
      ready: { line: (line) => line.includes('ready to accept connections') },
      startTimeoutSeconds: 300,
    });
  let program = await run();
  return {
    async makeDatabase(name) {
      const args = ['--no-psqlrc', '--host', place, '--username', 'postgres', '--command'];
      await runProgramOrFail({
        file: 'psql',
        args: [...args, `CREATE DATABASE "${name}"`],
        timeoutSeconds: 60,
      });
      return `postgres://postgres@${encodeURIComponent(place)}/${name}`;
    },
    async restart() {
      await program.stop('SIGINT', 60);
      program = await run();
    },
    async stop() {
      await program.stop('SIGINT', 60);
    },
  };
}
