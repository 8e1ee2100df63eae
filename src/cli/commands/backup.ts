import { backUpServer, restoreServer } from '../../app/back-up.ts';
import { cleanText } from '../clean-text.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { printJson } from '../print-json.ts';

interface BackupOptions {
  readonly file: string;
  readonly json: boolean;
  readonly config?: string;
}

interface BackupIo {
  print(text: string): void;
}

/** `coldpatch backup FILE`. */
export async function backupCommand(io: BackupIo, { file, json, config }: BackupOptions): Promise<void> {
  await backUpServer(loadCommandConfig({ config }), file);
  io.print(json ? printJson({ backup: file }) : `The database is in ${cleanText(file)}.\n`);
}

/** `coldpatch restore FILE`. */
export async function restoreCommand(io: BackupIo, { file, json, config }: BackupOptions): Promise<void> {
  const restored = await restoreServer(loadCommandConfig({ config }), file);
  if (json) {
    io.print(printJson(restored));
    return;
  }
  const { audit, kept, cancelledRuns } = restored;
  io.print(
    [
      `The database of ${cleanText(file)} is in its place.`,
      `Its audit log has ${audit.entries} entries, as they were written; head ${audit.hash}.`,
      `${cancelledRuns} runs that were under way are cancelled, and every image will be read again.`,
      ...(kept === undefined ? [] : [`What was there before is kept at ${cleanText(kept)}.`]),
      '',
    ].join('\n'),
  );
}
