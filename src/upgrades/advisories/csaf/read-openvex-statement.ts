import { z } from 'zod';
import { oneLine } from '../one-line.ts';
import { parseRecord } from '../parse-record.ts';
import type { AdvisoryRecord, Statement } from '../types.ts';
import { packageOfPurl } from './package-of-purl.ts';

const statementSchema = z.object({
  vulnerability: z.union([z.object({ name: z.string() }).transform(({ name }) => name), z.string()]),
  products: z.array(z.object({ '@id': z.string() })),
  status: z.enum(['not_affected', 'affected', 'fixed', 'under_investigation']),
  status_notes: z.string().optional(),
  action_statement: z.string().optional(),
});

/** What one statement of OpenVEX 0.2 says of packages in releases that we know, each once whatever its architectures. */
export function* readOpenvexStatement(value: unknown): Generator<AdvisoryRecord> {
  const { vulnerability, products, status, ...words } = parseRecord(statementSchema, value, 'statements');
  const note = oneLine(words.status_notes ?? words.action_statement);
  const said = new Set<string>();
  for (const { '@id': purl } of products) {
    const found = packageOfPurl(purl, []);
    if (found === undefined) continue;
    const { version, ...place } = found;
    const statement: Statement = {
      ...place,
      vulnerability,
      severity: 'unknown',
      ...judge(status, version, note),
    };
    const key = JSON.stringify(statement);
    if (said.has(key)) continue;
    said.add(key);
    yield { kind: 'statement', statement };
  }
}

function judge(
  status: z.infer<typeof statementSchema>['status'],
  version: string | undefined,
  note: string | undefined,
): Pick<Statement, 'status' | 'fixedVersion' | 'note'> {
  if (status === 'not_affected') return { status: 'not-affected' };
  if (status === 'fixed' && version !== undefined) return { status: 'fixed', fixedVersion: version };
  if (status === 'affected') return { status: 'open', ...(note === undefined ? {} : { note }) };
  return {
    status: 'under-investigation',
    ...(status === 'fixed' ? { note: 'fixed, but the feed names no version' } : {}),
  };
}
