import { z } from 'zod';
import { ColdpatchError } from '../../../lib/errors.ts';
import { connectLines, type LineConnection, unreachable } from './line-connection.ts';

/** QEMU's monitor. https://www.qemu.org/docs/master/interop/qmp-spec.html */
export interface Qmp extends Disposable {
  /**
   * Carries out one command and reads its answer.
   *
   * @throws ColdpatchError `hypervisor_failed` when QEMU refuses it, `machine_unreachable` when there is no answer.
   */
  execute<Answer>(
    command: string,
    schema: z.ZodType<Answer>,
    options?: { readonly arguments?: object; readonly timeoutSeconds?: number },
  ): Promise<Answer>;
}

const greetingSeconds = 20;
const answerSeconds = 120;

const greetingSchema = z.object({
  QMP: z.object({ version: z.object({}), capabilities: z.array(z.unknown()) }),
});
const messageSchema = z.union([
  z.object({ return: z.unknown(), id: z.number() }),
  z.object({ error: z.object({ class: z.string(), desc: z.string() }), id: z.number() }),
  z.object({ event: z.string() }),
]);

/** For commands whose answer says nothing. */
export const nothing = z.unknown();

/**
 * Connects to the monitor of a running QEMU. Undefined when nobody listens: the machine is off.
 *
 * @throws ColdpatchError `machine_unreachable` when somebody listens who is no QEMU, or who serves another client.
 */
export async function connectQmp(path: string): Promise<Qmp | undefined> {
  const connection = await connectLines(path);
  if (!connection) return undefined;
  try {
    const greeting = parse(connection, await connection.next(greetingSeconds));
    if (!greetingSchema.safeParse(greeting).success) throw unreachable(path, 'no greeting of QMP');
    const qmp = converse(connection);
    await qmp.execute('qmp_capabilities', nothing);
    return qmp;
  } catch (error) {
    connection[Symbol.dispose]();
    throw error;
  }
}

function converse(connection: LineConnection): Qmp {
  let count = 0;
  return {
    async execute(command, schema, { arguments: values, timeoutSeconds = answerSeconds } = {}) {
      count += 1;
      const id = count;
      connection.write(`${JSON.stringify({ execute: command, arguments: values, id })}\n`);
      const deadline = performance.now() + timeoutSeconds * 1000;
      for (;;) {
        // A flood of events does not move the deadline.
        const left = (deadline - performance.now()) / 1000;
        if (left <= 0)
          throw unreachable(connection.path, `no answer to "${command}" within ${timeoutSeconds} s`);
        const message = messageSchema.safeParse(parse(connection, await connection.next(left)));
        if (!message.success) throw unreachable(connection.path, 'a message that QMP does not have');
        if ('event' in message.data || message.data.id !== id) continue;
        if ('error' in message.data) throw refused(command, message.data.error.desc);
        const answer = schema.safeParse(message.data.return);
        if (answer.success) return answer.data;
        throw unreachable(connection.path, `another answer to "${command}" than QEMU gives`, answer.error);
      }
    },
    [Symbol.dispose]: () => connection[Symbol.dispose](),
  };
}

function parse({ path }: LineConnection, line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch (error) {
    throw unreachable(path, 'a line that is no JSON', error);
  }
}

function refused(command: string, words: string): ColdpatchError {
  return new ColdpatchError(
    'hypervisor_failed',
    `Expected QEMU to carry out "${command}", but it refused: ${words.slice(0, 500)}`,
  );
}
