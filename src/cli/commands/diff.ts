import { compareImages } from '../../app/diff.ts';
import type { InspectRequest } from '../../guest/open-requested-image.ts';
import { cleanText } from '../clean-text.ts';
import { printJson } from '../print-json.ts';
import { printTable } from '../print-table.ts';

export interface DiffOptions {
  readonly before: InspectRequest;
  readonly after: InspectRequest;
  readonly json: boolean;
}

/** `coldpatch diff IMAGE IMAGE`. @returns the exit code: 4 when they differ. */
export function diffCommand(io: { print(text: string): void }, { before, after, json }: DiffOptions): number {
  const found = compareImages(before, after);
  const differ = found.packages.length + found.files.length > 0;
  io.print(json ? printJson(found) : printDifferences(found));
  return differ ? 4 : 0;
}

const signs = { added: '+', changed: '~', removed: '-' } as const;

function printDifferences({ packages, files, gaps }: ReturnType<typeof compareImages>): string {
  const sections = [
    ...(gaps.length === 0
      ? []
      : [
          [
            `${gaps.length} parts were not compared`,
            ...gaps.map(({ where, detail }) => cleanText(`  ${where}: ${detail}`)),
          ],
        ]),
    ...(packages.length === 0
      ? []
      : [
          printTable(
            ['package', 'arch', 'before', 'after'],
            packages.map((entry) => [
              entry.name,
              entry.architecture,
              entry.before ?? '(none)',
              entry.after ?? '(none)',
            ]),
          ),
        ]),
    ...(files.length === 0
      ? []
      : [
          files.map(({ path, kind, what }) =>
            cleanText(`${signs[kind]} ${path}${what ? ` (${what.join(', ')})` : ''}`),
          ),
        ]),
  ];
  if (packages.length + files.length === 0) sections.push(['No package and no file differs.']);
  return `${sections.map((section) => section.join('\n')).join('\n\n')}\n`;
}
