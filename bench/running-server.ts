import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startProgram } from '../src/lib/start-program.ts';

export interface ServerMemory {
  /** Objects, and the buffers that they hold. */
  readonly held: number;
  /** Of the machine: with code, caches of the database, and what the collector keeps for later. */
  readonly resident: number;
}

/** So that two measurements differ by what is held, and not by when the collector last ran. */
const collectOnSignal = `--expose-gc --import data:text/javascript,process.on('SIGUSR2',()=>gc())`;

/** `coldpatch serve` as a process of its own, with one empty source. */
export interface RunningServer {
  readonly url: string;
  readonly token: string;
  /** Of its database. */
  readonly database: string;
  /** Its memory after everything unused was collected, in megabytes (10^6 bytes). */
  memory(): Promise<ServerMemory>;
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
      NODE_OPTIONS: collectOnSignal,
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
    async memory() {
      process.kill(program.pid, 'SIGUSR2');
      await delay(1000);
      const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
      const metrics = await response.text();
      const held = ['heap_size_used', 'external_memory'].map((name) =>
        Number(new RegExp(`^nodejs_${name}_bytes (\\S+)$`, 'm').exec(metrics)?.[1]),
      );
      const status = readFileSync(`/proc/${program.pid}/status`, 'utf8');
      return {
        held: held.reduce((sum, one) => sum + one, 0) / 1e6,
        resident: (Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024) / 1e6,
      };
    },
    failures: () => failures,
    async stop() {
      await program.stop('SIGTERM', 60);
    },
  };
}
