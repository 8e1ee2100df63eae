import { z } from 'zod';
import { advisoriesInvalid } from '../advisories-invalid.ts';
import { oneLine } from '../one-line.ts';
import { parseRecord } from '../parse-record.ts';
import { element, streamJson } from '../stream-json.ts';
import type { AdvisoryFormat, AdvisoryRecord } from '../types.ts';

const entrySchema = z.object({
  cveID: z.string(),
  vulnerabilityName: z.string().optional(),
  dateAdded: z.iso.date(),
});

/** The catalogue of known exploited vulnerabilities of the United States' CISA. */
export const cisaKev: AdvisoryFormat = {
  id: 'cisa-kev',
  revision: 1,
  read: readKev,
};

async function* readKev(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<AdvisoryRecord> {
  let announced: number | undefined;
  let count = 0;
  const parts = streamJson(chunks, (path) =>
    path.length === 1 ? path[0] === 'count' : path[0] === 'vulnerabilities' && path[1] === element,
  );
  for await (const { path, value } of parts) {
    if (path[0] === 'count') {
      announced = parseRecord(z.int(), value, 'count');
      continue;
    }
    count += 1;
    const { cveID, vulnerabilityName, dateAdded } = parseRecord(entrySchema, value, 'vulnerabilities');
    const summary = oneLine(vulnerabilityName);
    const fact = { vulnerability: cveID, exploitedSince: dateAdded };
    yield { kind: 'fact', fact: summary === undefined ? fact : { ...fact, summary } };
  }
  if (announced === undefined)
    throw advisoriesInvalid('the number of vulnerabilities in count', 'there is none');
  if (announced !== count) throw advisoriesInvalid(`${announced} vulnerabilities`, `there are ${count}`);
}
