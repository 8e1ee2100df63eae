import { cleanText } from './clean-text.ts';

/** Rows of cells in aligned columns, two blanks apart, cleaned of control characters. Numbers stand to the right. */
export function printTable(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): readonly string[] {
  const cells = [header, ...rows].map((row) => row.map((cell) => cleanText(String(cell))));
  const widths = header.map((_, column) => mostOf(cells, (row) => lengthOf(row[column] ?? '')));
  const isNumeric = header.map(
    (_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'),
  );
  return cells.map((row) =>
    row
      .map((cell, column) => {
        const blanks = ' '.repeat(Math.max(0, (widths[column] ?? 0) - lengthOf(cell)));
        return isNumeric[column] === true ? blanks + cell : cell + blanks;
      })
      .join('  ')
      .trimEnd(),
  );
}

function lengthOf(text: string): number {
  return Array.from(text).length;
}

/** At least 0. In a loop: a call takes only some 120,000 arguments. */
export function mostOf<Item>(items: readonly Item[], numberOf: (item: Item) => number): number {
  let most = 0;
  for (const item of items) most = Math.max(most, numberOf(item));
  return most;
}
