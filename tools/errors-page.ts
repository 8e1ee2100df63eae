import { errorCatalogue } from '../src/lib/errors.ts';

const exitMeanings = { 1: 'failed', 2: 'wrong use', 3: 'refused' } as const;

/** docs/errors.md: every code of the catalogue. */
export function errorsPage(): string {
  const rows = Object.entries(errorCatalogue).map(
    ([code, { exit, retry, title }]) =>
      `| \`${code}\` | ${title} | ${exit} (${exitMeanings[exit]}) | ${retry ? 'yes' : 'no'} |`,
  );
  return [
    '# Errors',
    '',
    'Generated from `src/lib/errors.ts` by `tools/with-node tools/generate-docs.ts`; do not edit.',
    '',
    'Every error has a code that does not change between versions, so that scripts can rely on it.',
    'Its message says what was expected, what was found, and what to do.',
    '*Retry* says whether the same command may succeed later without anybody changing anything.',
    '',
    '| code | meaning | exit code | retry |',
    '|---|---|---|---|',
    ...rows,
    '',
    'Exit code 0 means done, and 4 that a command which judges, such as a gate in a pipeline, found something.',
    '',
  ].join('\n');
}
