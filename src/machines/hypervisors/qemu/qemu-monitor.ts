import type { Duplex } from 'node:stream';

/**
 * The few words that we exchange with a QEMU, or a storage daemon of QEMU, that we started ourselves.
 * https://www.qemu.org/docs/master/interop/qmp-spec.html
 */
export interface QemuMonitor {
  /** Whether the machine has ended, and waits. */
  hasStopped(): boolean;
  /** False when QEMU does not do it within the time. */
  execute(
    command: string,
    args: Readonly<Record<string, unknown>>,
    timeoutMilliseconds: number,
  ): Promise<boolean>;
}

/** A guest that took QEMU over speaks here. */
const longestLine = 64 * 1024;
const mostLines = 10_000;

export function openMonitor(stream: Duplex): QemuMonitor {
  const waiting = new Map<number, (ok: boolean) => void>();
  let rest = '';
  let lines = 0;
  let count = 0;
  let stopped = false;
  const giveUp = (): void => {
    for (const settle of waiting.values()) settle(false);
    waiting.clear();
  };
  const take = (line: string): void => {
    const message = parse(line);
    if (message?.event === 'SHUTDOWN' || message?.event === 'GUEST_PANICKED') stopped = true;
    if (typeof message?.id !== 'number') return;
    waiting.get(message.id)?.('return' in message);
    waiting.delete(message.id);
  };
  stream.on('error', giveUp).on('close', giveUp);
  stream.on('data', (chunk: Buffer) => {
    rest += chunk.toString('latin1');
    for (let end = rest.indexOf('\n'); end !== -1; end = rest.indexOf('\n')) {
      take(rest.slice(0, end));
      rest = rest.slice(end + 1);
      lines += 1;
    }
    if (rest.length > longestLine || lines > mostLines) stream.destroy();
  });
  const execute: QemuMonitor['execute'] = (command, args, timeoutMilliseconds) =>
    new Promise((resolve) => {
      if (stream.destroyed) {
        resolve(false);
        return;
      }
      count += 1;
      const id = count;
      const patience = setTimeout(() => {
        waiting.delete(id);
        resolve(false);
      }, timeoutMilliseconds);
      waiting.set(id, (ok) => {
        clearTimeout(patience);
        resolve(ok);
      });
      stream.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    });
  void execute('qmp_capabilities', {}, 60_000);
  return { hasStopped: () => stopped, execute };
}

function parse(line: string): { readonly event?: unknown; readonly id?: unknown } | undefined {
  try {
    const message: unknown = JSON.parse(line);
    return typeof message === 'object' && message !== null ? message : undefined;
  } catch {
    return undefined;
  }
}
