import type { StoredImage, StoredRun } from '../app/server/application.ts';

export interface StartPage {
  readonly counted: Readonly<
    Record<'all' | 'inspected' | 'unreadable' | 'outdated' | 'vulnerable' | 'urgent', number>
  >;
  readonly stale: readonly StoredImage[];
  readonly runs: readonly StoredRun[];
}

/** What is known, what is stale and what runs, without a script. Names come from images and folders: all are escaped. */
export function renderStartPage({ counted, stale, runs }: StartPage): string {
  const numbers = [
    ['images', counted.all],
    ['read', counted.inspected],
    ['unreadable', counted.unreadable],
    ['outdated', counted.outdated],
    ['with known vulnerabilities', counted.vulnerable],
    ['with urgent ones', counted.urgent],
  ].map(([name, count]) => [name, count]);
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>coldpatch</title>',
    '<style>body{font:16px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em}',
    'table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3em .8em .3em 0;border-bottom:1px solid #ddd}',
    '</style></head><body><h1>coldpatch</h1>',
    '<h2>Known</h2>',
    table(['', ''], numbers),
    '<h2>Outdated</h2>',
    table(
      ['image', 'system', 'packages', 'vulnerabilities', 'urgent', 'held'],
      stale.map((image) => [
        image.locator,
        image.system_name,
        image.outdated,
        image.vulnerabilities,
        image.urgent,
        image.held,
      ]),
    ),
    '<h2>Runs</h2>',
    table(
      ['run', 'kind', 'state', 'requested', 'error'],
      runs.map((run) => [run.id, run.kind, run.state, run.requested_at, run.error_code]),
    ),
    '<p>The interface for programs is described at <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</p>',
    '</body></html>',
  ].join('\n');
}

type Cell = string | number | null | undefined;

function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  if (rows.length === 0) return '<p>none</p>';
  const line = (tag: string, cells: readonly Cell[]): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escape(String(cell ?? ''))}</${tag}>`).join('')}</tr>`;
  return `<table>${line('th', head)}${rows.map((row) => line('td', row)).join('\n')}</table>`;
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
