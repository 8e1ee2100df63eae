import { z } from 'zod';
import { advisoriesInvalid } from '../advisories-invalid.ts';
import { parseRecord } from '../parse-record.ts';
import { parseSeverity } from '../parse-severity.ts';
import type { JsonRecord } from '../stream-json.ts';
import type { AdvisoryRecord, Severity } from '../types.ts';
import { createProductTree } from './product-tree.ts';
import { recordsOfVulnerability } from './records-of-vulnerability.ts';
import { type CsafVulnerability, vulnerabilitySchema } from './vulnerability-schema.ts';

const mostStatements = 2_000_000;
const mostBytes = 64 * 1024 * 1024;

/** One CSAF document while it is read. Its parts may come in any order, so that what they say is known at its end. */
export interface VexDocument {
  take(part: JsonRecord): void;
  /** @throws ColdpatchError `advisories_invalid` when the document is not of CSAF 2.0. */
  records(): Generator<AdvisoryRecord>;
}

const trackingSchema = z.object({ id: z.string() });
const severitySchema = z.object({ text: z.string() });

export function createDocument(): VexDocument {
  const tree = createProductTree();
  const vulnerabilities: CsafVulnerability[] = [];
  let version: unknown;
  let category: unknown;
  let advisory: string | undefined;
  let severity: Severity = 'unknown';
  let named = 0;
  let kept = 0;

  return {
    take({ path, value, bytes }) {
      const [, second] = path;
      if (path[0] === 'product_tree') tree.add(second ?? '', value);
      else if (path[0] === 'vulnerabilities') {
        const vulnerability = parseRecord(vulnerabilitySchema, value, 'vulnerabilities');
        for (const products of Object.values(vulnerability.product_status ?? {}))
          named += products?.length ?? 0;
        kept += bytes;
        if (kept > mostBytes) {
          throw advisoriesInvalid(
            `at most ${mostBytes} bytes of vulnerabilities in a document`,
            'there are more',
          );
        }
        if (named > mostStatements) {
          throw advisoriesInvalid(`at most ${mostStatements} statements in a document`, 'there are more');
        }
        vulnerabilities.push(vulnerability);
      } else if (second === 'csaf_version') version = value;
      else if (second === 'category') category = value;
      else if (second === 'tracking') advisory = parseRecord(trackingSchema, value, 'document.tracking').id;
      else severity = parseSeverity(parseRecord(severitySchema, value, 'document.aggregate_severity').text);
    },
    *records() {
      if (version !== '2.0') throw advisoriesInvalid('csaf_version 2.0', 'the document has another or none');
      if (category === 'csaf_informational_advisory') return;
      for (const vulnerability of vulnerabilities) {
        yield* recordsOfVulnerability(vulnerability, { tree, advisory, severity });
      }
    },
  };
}
