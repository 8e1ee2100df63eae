import { rollBackImage } from '../../app/rollback.ts';
import { cleanText } from '../clean-text.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { printJson } from '../print-json.ts';
import { interruptSignal } from '../interrupt-signal.ts';

export interface RollbackOptions {
  readonly path: string;
  readonly json: boolean;
  readonly generation?: number;
  readonly format?: 'raw' | 'qcow2';
  readonly backing?: readonly string[];
  readonly config?: string;
}

/** `coldpatch rollback IMAGE`. */
export async function rollbackCommand(
  io: { print(text: string): void },
  options: RollbackOptions,
): Promise<void> {
  const { path, format, backing, generation } = options;
  const result = await rollBackImage(loadCommandConfig(options), {
    image: { path, format, backing },
    generation,
    signal: interruptSignal(),
  });
  if (options.json) {
    io.print(printJson(result));
    return;
  }
  io.print(
    `${cleanText(path)} is generation ${result.restored.number} again, as it was on ${result.restored.takenAt}.\n` +
      `What it was until now is kept as generation ${result.kept}.\n`,
  );
}
