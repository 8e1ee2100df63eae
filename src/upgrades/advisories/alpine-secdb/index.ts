import { z } from 'zod';
import { advisoriesInvalid } from '../advisories-invalid.ts';
import { parseRecord } from '../parse-record.ts';
import { element, streamJson } from '../stream-json.ts';
import type { AdvisoryFormat, AdvisoryRecord } from '../types.ts';

const packageSchema = z.object({
  pkg: z.object({
    name: z.string(),
    secfixes: z.union([z.record(z.string(), z.array(z.string())), z.array(z.never())]).nullish(),
  }),
});

const releaseSchema = z.string().regex(/^(v\d+\.\d+|edge)$/);
const mostWaitingBytes = 16 * 1024 * 1024;

interface Fix {
  readonly name: string;
  readonly version: string;
  readonly vulnerability: string;
}

/** The security database of one of Alpine's repositories. */
export const alpineSecdb: AdvisoryFormat = {
  id: 'alpine-secdb',
  revision: 1,
  read: readSecdb,
};

async function* readSecdb(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<AdvisoryRecord> {
  let release: string | undefined;
  let waiting: Fix[] = [];
  let waitingBytes = 0;
  const parts = streamJson(chunks, (path) =>
    path.length === 1 ? path[0] === 'distroversion' : path[0] === 'packages' && path[1] === element,
  );
  for await (const { path, value, document, bytes } of parts) {
    if (document > 0) throw advisoriesInvalid('one security database', 'another follows it');
    if (path[0] === 'distroversion') {
      release = `alpine:${parseRecord(releaseSchema, value, 'distroversion').replace(/^v/, '')}`;
      for (const fix of waiting) yield recordOf(release, fix);
      waiting = [];
      continue;
    }
    const fixes = fixesOf(parseRecord(packageSchema, value, 'packages'));
    if (release !== undefined) {
      for (const fix of fixes) yield recordOf(release, fix);
      continue;
    }
    for (const fix of fixes) waiting.push(fix);
    waitingBytes += bytes;
    if (waitingBytes > mostWaitingBytes) {
      throw advisoriesInvalid('the release before the packages', 'many packages come first');
    }
  }
  if (release === undefined) throw advisoriesInvalid('the release in distroversion', 'there is none');
}

/** A line may name one vulnerability by several numbers: `CVE-2019-12345 XSA-300`. */
function fixesOf({ pkg }: z.infer<typeof packageSchema>): readonly Fix[] {
  return Object.entries(pkg.secfixes ?? {}).flatMap(([version, lines]) =>
    lines
      .flatMap((line) => line.split(/\s+/))
      .filter((vulnerability) => vulnerability !== '')
      .map((vulnerability) => ({ name: pkg.name, version, vulnerability })),
  );
}

function recordOf(release: string, { name, version, vulnerability }: Fix): AdvisoryRecord {
  const verdict =
    version === '0'
      ? ({ status: 'not-affected' } as const)
      : ({ status: 'fixed', fixedVersion: version } as const);
  const statement = {
    release,
    package: name,
    packageKind: 'source',
    vulnerability,
    severity: 'unknown',
  } as const;
  return { kind: 'statement', statement: { ...statement, ...verdict } };
}
