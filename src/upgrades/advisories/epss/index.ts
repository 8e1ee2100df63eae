import { advisoriesInvalid } from '../advisories-invalid.ts';
import { readLines } from '../read-lines.ts';
import type { AdvisoryFormat, AdvisoryRecord } from '../types.ts';

const longestLine = 1000;
const row = /^"?(CVE-\d{4}-\d{4,7})"?,"?(\d+(?:\.\d+)?(?:[eE]-?\d+)?)"?(?:,|$)/;

/** The daily table of the Exploit Prediction Scoring System of FIRST. */
export const epss: AdvisoryFormat = {
  id: 'epss',
  revision: 1,
  read: readEpss,
};

async function* readEpss(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<AdvisoryRecord> {
  let hasHeader = false;
  for await (const line of readLines(chunks, longestLine)) {
    if (line === '' || line.startsWith('#')) continue;
    if (!hasHeader) {
      if (!/^"?cve"?,"?epss"?(,|$)/.test(line))
        throw invalid('a line of titles that begins with cve,epss', line);
      hasHeader = true;
      continue;
    }
    const [, vulnerability, digits] = row.exec(line) ?? [];
    const exploitProbability = Number(digits);
    if (vulnerability === undefined || !(exploitProbability <= 1)) {
      throw invalid('a CVE number and a probability from 0 to 1', line);
    }
    yield { kind: 'fact', fact: { vulnerability, exploitProbability } };
  }
  if (!hasHeader) throw advisoriesInvalid('a table of probabilities', 'the file is empty');
}

function invalid(expected: string, line: string): Error {
  return advisoriesInvalid(expected, `found "${line.slice(0, 80)}"`);
}
