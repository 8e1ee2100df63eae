import { advisoriesInvalid } from '../advisories-invalid.ts';
import { parseRecord } from '../parse-record.ts';
import { element, streamJson } from '../stream-json.ts';
import type { AdvisoryFormat, AdvisoryRecord } from '../types.ts';
import { vulnerabilitySchema } from './vulnerability-schema.ts';
import { recordsOf } from './records-of.ts';

/** The Open Source Vulnerability format, version 1, for packages of distributions. */
export const osv: AdvisoryFormat = {
  id: 'osv',
  revision: 1,
  read: readOsv,
};

async function* readOsv(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<AdvisoryRecord> {
  let count = 0;
  const records = streamJson(chunks, (path, kind) =>
    path.length === 0 ? kind !== 'array' : path[0] === element,
  );
  for await (const { value } of records) {
    count += 1;
    yield* recordsOf(parseRecord(vulnerabilitySchema, value, `vulnerability ${count}`));
  }
  if (count === 0) throw advisoriesInvalid('vulnerabilities', 'there are none');
}
