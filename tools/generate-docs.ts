/** Writes the generated pages of docs/; with `--check` it writes nothing, names the stale ones and ends with 1. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { reportSchema } from '../src/patch/report.ts';
import { errorsPage } from './errors-page.ts';
import { supportPage } from './support-page.ts';

interface Page {
  /** Relative to the repository. */
  readonly path: string;
  readonly text: string;
}

/** The generated pages that are not on disk as they should be. */
export function stalePages(root: string): readonly Page[] {
  const pages: readonly Page[] = [
    { path: 'docs/errors.md', text: errorsPage() },
    { path: 'docs/support.md', text: supportPage(root) },
    {
      path: 'docs/report.schema.json',
      text: `${JSON.stringify(z.toJSONSchema(reportSchema), undefined, 2)}\n`,
    },
  ];
  return pages.filter(({ path, text }) => {
    const file = join(root, path);
    return !existsSync(file) || readFileSync(file, 'utf8') !== text;
  });
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const checkOnly = process.argv.includes('--check');
  for (const { path, text } of stalePages(root)) {
    if (checkOnly) {
      console.log(`${path} is stale; run tools/with-node tools/generate-docs.ts`);
      process.exitCode = 1;
    } else {
      writeFileSync(join(root, path), text);
      console.log(`wrote ${path}`);
    }
  }
}
