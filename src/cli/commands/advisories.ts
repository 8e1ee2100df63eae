import { importFeed, listFeeds, removeFeed } from '../../app/advisories.ts';
import { cleanText } from '../clean-text.ts';
import { interruptSignal } from '../interrupt-signal.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { printJson } from '../print-json.ts';
import { printTable } from '../print-table.ts';
import type { Progress } from '../progress.ts';

export interface AdvisoriesIo {
  print(text: string): void;
  readonly progress: Pick<Progress, 'phase' | 'update' | 'done' | 'fail'>;
}

export interface AdvisoriesOptions {
  readonly cache?: string;
  readonly config?: string;
  readonly json: boolean;
}

export interface FeedOptions extends AdvisoriesOptions {
  readonly format: string;
  readonly sources: readonly string[];
}

/** `coldpatch advisories import --format FORMAT SOURCE...`. */
export async function importAdvisoriesCommand(
  { print, progress }: AdvisoriesIo,
  { format, sources, json, ...options }: FeedOptions,
): Promise<void> {
  const config = loadCommandConfig(options);
  const signal = interruptSignal();
  const results = [];
  for (const source of sources) {
    progress.phase('import', source);
    try {
      const result = await importFeed(config, {
        format,
        source,
        onProgress: ({ bytes, totalBytes, records }) =>
          progress.update(totalBytes ? bytes / totalBytes : 0, `${records} records`),
        signal,
      });
      progress.done();
      results.push(result);
    } catch (error) {
      progress.fail();
      throw error;
    }
  }
  const lines = results.map(({ feed, isChanged }) => {
    const what = `${feed.statements} statements, ${feed.facts} facts`;
    return `${cleanText(feed.source)}: ${isChanged ? what : `unchanged, ${what}`}\n`;
  });
  print(json ? printJson(results) : lines.join(''));
}

/** `coldpatch advisories list`. */
export function listAdvisoriesCommand(
  { print }: AdvisoriesIo,
  { json, ...options }: AdvisoriesOptions,
): void {
  const feeds = listFeeds(loadCommandConfig(options));
  const rows = feeds.map(({ format, source, importedAt, checkedAt, statements, facts, digest }) => [
    format,
    source,
    statements,
    facts,
    importedAt,
    checkedAt,
    digest.slice(0, 12),
  ]);
  const header = ['format', 'source', 'statements', 'facts', 'imported', 'checked', 'sha256'];
  const text = feeds.length === 0 ? 'No advisories were imported.' : printTable(header, rows).join('\n');
  print(json ? printJson(feeds) : `${text}\n`);
}

/** `coldpatch advisories remove --format FORMAT SOURCE...`. */
export async function removeAdvisoriesCommand({ format, sources, ...options }: FeedOptions): Promise<void> {
  const config = loadCommandConfig(options);
  for (const source of sources) await removeFeed(config, format, source);
}
