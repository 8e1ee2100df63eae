import { z } from 'zod';
import { advisoriesInvalid } from '../advisories-invalid.ts';
import { oneLine } from '../one-line.ts';
import { parseRecord } from '../parse-record.ts';
import { parseSeverity } from '../parse-severity.ts';
import { streamJson } from '../stream-json.ts';
import type { AdvisoryFormat, AdvisoryRecord, AdvisoryStatus, Statement } from '../types.ts';

const releaseSchema = z.object({
  status: z.string(),
  fixed_version: z.string().optional(),
  urgency: z.string().optional(),
  nodsa: z.string().optional(),
  nodsa_reason: z.string().optional(),
});

const entrySchema = z.object({
  description: z.string().optional(),
  releases: z.record(z.string(), releaseSchema),
});

type Entry = z.infer<typeof releaseSchema>;

/** The Debian security tracker's export of everything it knows. */
export const debianTracker: AdvisoryFormat = {
  id: 'debian-tracker',
  revision: 1,
  read: readTracker,
};

async function* readTracker(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<AdvisoryRecord> {
  let count = 0;
  for await (const { path, value } of streamJson(chunks, ({ length }) => length === 2)) {
    count += 1;
    const [name = '', vulnerability = ''] = path;
    const { description, releases } = parseRecord(entrySchema, value, path.join('.'));
    const summary = oneLine(description);
    if (summary !== undefined) yield { kind: 'fact', fact: { vulnerability, summary } };
    for (const [codename, entry] of Object.entries(releases)) {
      const statement: Statement = {
        release: `debian:${codename}`,
        package: name,
        packageKind: 'source',
        vulnerability,
        severity: parseSeverity(entry.urgency),
        ...judge(entry),
      };
      yield { kind: 'statement', statement };
    }
  }
  if (count === 0) throw advisoriesInvalid('packages with their vulnerabilities', 'there are none');
}

function judge(entry: Entry): Pick<Statement, 'status' | 'fixedVersion' | 'note'> {
  const { status, fixed_version: fixedVersion } = entry;
  if (status === 'resolved' && fixedVersion === '0') return { status: 'not-affected' };
  if (status === 'resolved' && fixedVersion !== undefined) return { status: 'fixed', fixedVersion };
  const note = oneLine([entry.nodsa, entry.nodsa_reason].filter(Boolean).join(': '));
  if (status === 'open') return { status: openStatus(entry), ...(note === undefined ? {} : { note }) };
  return {
    status: 'under-investigation',
    ...(status === 'undetermined' ? {} : { note: `the tracker says ${oneLine(status)} without a version` }),
  };
}

function openStatus({ urgency, nodsa_reason: reason }: Entry): AdvisoryStatus {
  return urgency === 'end-of-life' || reason === 'ignored' ? 'will-not-fix' : 'open';
}
