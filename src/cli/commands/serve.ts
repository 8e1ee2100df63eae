import { once } from 'node:events';
import { startApi } from '../../api/start-api.ts';
import { startServer } from '../../app/serve.ts';
import { loadServerConfig } from '../../config/load-server-config.ts';
import { ColdpatchError, isColdpatchError } from '../../lib/errors.ts';
import { readNamedFile } from '../../lib/read-named-file.ts';
import { interruptSignal } from '../interrupt-signal.ts';
import { loadCommandConfig } from '../load-command-config.ts';

export interface ServeOptions {
  readonly policies: string;
  readonly database?: string;
  readonly listen: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly behindProxy: boolean;
  readonly requestsPerSecond: number;
  readonly cache?: string;
  readonly config?: string;
}

interface ServeIo {
  print(text: string): void;
  printError(text: string): void;
}

/** `coldpatch serve`: until it is asked to stop. */
export async function serveCommand(io: ServeIo, options: ServeOptions): Promise<void> {
  const { host, port } = parseAddress(options.listen);
  const tls = readTls(options);
  assertPrivate(host, tls !== undefined || options.behindProxy);
  if (options.requestsPerSecond === 0)
    throw new ColdpatchError('usage', 'Expected --requests-per-second of at least 1, but found 0.');
  const config = loadCommandConfig(options);
  const settings = loadServerConfig(options.policies);
  const signal = interruptSignal();
  const { database } = options;
  const server = await startServer(config, settings, {
    database,
    onFault: faultLog(io),
    environment: process.env,
  });
  try {
    const log = { write: io.printError };
    const { application, tracing } = server;
    const { requestsPerSecond, behindProxy } = options;
    const api = await startApi({
      application,
      tracing,
      host,
      port,
      requestsPerSecond,
      behindProxy,
      tls,
      log,
    });
    try {
      const token = await server.makeFirstToken();
      if (token !== undefined)
        io.print(`A token of an admin, as nobody has a valid one; it is shown this once:\n${token}\n`);
      io.print(`listening at ${api.url}\n`);
      const ended = AbortSignal.any([signal, server.outdated]);
      if (!ended.aborted) await once(ended, 'abort');
    } finally {
      await api.stop();
    }
  } finally {
    await server.stop();
  }
  server.outdated.throwIfAborted();
}

/** Writes errors that belong to no request and no run as log lines. */
export function faultLog({ printError }: Pick<ServeIo, 'printError'>): (error: unknown) => void {
  return (error) => {
    const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const code = isColdpatchError(error) ? error.code : undefined;
    printError(`${JSON.stringify({ level: 50, time: Date.now(), code, msg: words })}\n`);
  };
}

function parseAddress(listen: string): { readonly host: string; readonly port: number } {
  const [, host, port] = /^\[?([0-9a-zA-Z.:-]+?)\]?:(\d{1,5})$/.exec(listen) ?? [];
  if (host !== undefined && Number(port) < 65_536) return { host, port: Number(port) };
  throw new ColdpatchError('usage', `Expected --listen ADDRESS:PORT, but found "${listen}".`);
}

function readTls({ tlsCert, tlsKey }: ServeOptions) {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined)
    throw new ColdpatchError('usage', 'Expected both --tls-cert and --tls-key, or none of them.');
  return { cert: readNamedFile(tlsCert), key: readNamedFile(tlsKey) };
}

/** Tokens must not cross a network in the clear. */
function assertPrivate(host: string, isProtected: boolean): void {
  if (isProtected || host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)) return;
  throw new ColdpatchError(
    'usage',
    `Expected an address of this host alone, or TLS, but found ${host}. Give --tls-cert and --tls-key, or --behind-proxy.`,
  );
}
