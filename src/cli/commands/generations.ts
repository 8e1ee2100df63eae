import { generationsOf } from '../../app/generations.ts';
import { cleanText } from '../clean-text.ts';
import { printBytes } from '../print-bytes.ts';
import { printJson } from '../print-json.ts';
import { printTable } from '../print-table.ts';

export interface GenerationsOptions {
  readonly path: string;
  readonly json: boolean;
}

/** `coldpatch generations IMAGE`. */
export async function generationsCommand(
  io: { print(text: string): void },
  { path, json }: GenerationsOptions,
): Promise<void> {
  const generations = await generationsOf(path);
  if (json) {
    io.print(printJson(generations));
    return;
  }
  if (generations.length === 0) {
    io.print('No former state of this image is kept.\n');
    return;
  }
  const rows = generations.map((generation) =>
    generation.answer === 'complete'
      ? [
          generation.number,
          generation.takenAt,
          generation.reason,
          printBytes(generation.size),
          printBytes(generation.bytesOnDisk),
          generation.sha256.slice(0, 16),
        ]
      : [generation.number, '', 'altered', '', '', cleanText(generation.detail)],
  );
  const table = printTable(['generation', 'taken', 'before', 'size', 'on disk', 'sha256'], rows);
  io.print(`${table.join('\n')}\n`);
}
