import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startProgram } from '../src/lib/start-program.ts';

/** `coldpatch serve` as a process of its own, with one empty source. */
export interface RunningServer {
  readonly url: string;
  readonly token: string;
  /** Of its database. */
  readonly database: string;
  /** What it holds of the memory of the machine, in megabytes (10^6 bytes). */
  residentMegabytes(): number;
  /** How many answers had a status of 500 and more, as its log says. */
  failures(): number;
  stop(): Promise<void>;
}

export async function startRunningServer(folder: string): Promise<RunningServer> {
  const [images, state, cache] = ['images', 'state', 'cache'].map((name) => join(folder, name));
  if (images === undefined || state === undefined || cache === undefined)
    throw new Error('Expected folders.');
  mkdirSync(images, { recursive: true });
  const policies = join(folder, 'server.json');
  writeFileSync(policies, JSON.stringify({ sources: [{ id: 'lab', kind: 'folder', directory: images }] }));
  let url: string | undefined;
  let token: string | undefined;
  let failures = 0;
  const program = await startProgram({
    file: join(import.meta.dirname, '../bin/coldpatch'),
    args: ['serve', '--listen', '127.0.0.1:0', '--policies', policies, '--requests-per-second', '10000'],
    environment: {
      PATH: `${dirname(process.execPath)}:/usr/sbin:/usr/bin:/sbin:/bin`,
      COLDPATCH_STATE_DIRECTORY: state,
      COLDPATCH_CACHE_DIRECTORY: cache,
    },
    ready: { line: (line) => line.startsWith('listening at ') },
    startTimeoutSeconds: 300,
    onLine(line) {
      url ??= /^listening at (\S+)$/.exec(line)?.[1];
      token ??= /^coldpatch\.\S+$/.exec(line)?.[0];
      if (/"statusCode":5\d\d/.test(line)) failures += 1;
    },
  });
  if (url === undefined || token === undefined) throw new Error('Expected a server with a first token.');
  return {
    url,
    token,
    database: join(state, 'coldpatch.db'),
    residentMegabytes() {
      const status = readFileSync(`/proc/${program.pid}/status`, 'utf8');
      return (Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024) / 1e6;
    },
    failures: () => failures,
    async stop() {
      await program.stop('SIGTERM', 60);
    },
  };
}
