import { randomInt } from 'node:crypto';
import { z } from 'zod';
import { ColdpatchError } from '../../../lib/errors.ts';
import { connectLines, type LineConnection } from './line-connection.ts';

/** QEMU's agent in the guest. What it says is the guest's word, and nothing but the thawing depends on it. */
export interface GuestAgent extends Disposable {
  /** @throws ColdpatchError `machine_unreachable`, `hypervisor_failed` when the agent refuses. */
  execute<Answer>(command: string, schema: z.ZodType<Answer>, timeoutSeconds: number): Promise<Answer>;
}

const syncSeconds = 10;
/** Ends whatever an earlier client left unfinished; the agent then answers with the same byte first. */
const sentinel = 0xff;

const messageSchema = z.union([
  z.object({ return: z.unknown() }),
  z.object({ error: z.object({ desc: z.string() }) }),
]);

/**
 * Connects to the agent of a guest. Undefined when nobody listens on the socket, or no agent answers behind it.
 * https://www.qemu.org/docs/master/interop/qemu-ga-ref.html
 */
export async function connectGuestAgent(path: string): Promise<GuestAgent | undefined> {
  const connection = await connectLines(path).catch(() => undefined);
  if (!connection) return undefined;
  try {
    await synchronize(connection);
    return {
      async execute(command, schema, timeoutSeconds) {
        connection.write(`${JSON.stringify({ execute: command })}\n`);
        return answerOf(command, schema, await connection.next(timeoutSeconds));
      },
      [Symbol.dispose]: () => connection[Symbol.dispose](),
    };
  } catch {
    connection[Symbol.dispose]();
    return undefined;
  }
}

async function synchronize(connection: LineConnection): Promise<void> {
  const id = randomInt(1, 2 ** 31);
  const text = JSON.stringify({ execute: 'guest-sync-delimited', arguments: { id } });
  connection.write(Buffer.concat([Buffer.from([sentinel]), Buffer.from(`${text}\n`)]));
  const deadline = performance.now() + syncSeconds * 1000;
  for (;;) {
    const line = await connection.next(Math.max(0, (deadline - performance.now()) / 1000));
    // Answers to a former client come before ours; the byte is no UTF-8.
    if (line.replaceAll('\ufffd', '').trim() === JSON.stringify({ return: id })) return;
    if (new RegExp(`"return": ?${id}\\b`).test(line)) return;
  }
}

function answerOf<Answer>(command: string, schema: z.ZodType<Answer>, line: string): Answer {
  const message = messageSchema.safeParse(parseOrNothing(line));
  if (message.success && 'return' in message.data) {
    const answer = schema.safeParse(message.data.return);
    if (answer.success) return answer.data;
  }
  const words =
    message.success && 'error' in message.data ? message.data.error.desc : 'no answer that it has';
  throw new ColdpatchError(
    'hypervisor_failed',
    `Expected the agent in the guest to carry out "${command}", but found: ${words.slice(0, 500)}`,
  );
}

function parseOrNothing(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}
