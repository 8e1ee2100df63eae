import { advisoriesInvalid } from '../advisories-invalid.ts';
import { element, type JsonRecord, streamJson } from '../stream-json.ts';
import type { AdvisoryFormat, AdvisoryRecord } from '../types.ts';
import { createDocument, type VexDocument } from './document.ts';
import { readOpenvexStatement } from './read-openvex-statement.ts';

const parts: ReadonlySet<string> = new Set([
  'document.category',
  'document.csaf_version',
  'document.tracking',
  'document.aggregate_severity',
  `product_tree.branches.${element}`,
  `product_tree.full_product_names.${element}`,
  `product_tree.relationships.${element}`,
  `vulnerabilities.${element}`,
  `statements.${element}`,
  '@context',
]);

/** The Common Security Advisory Framework 2.0, and OpenVEX, in which Ubuntu publishes the same. */
export const csaf: AdvisoryFormat = {
  id: 'csaf',
  revision: 1,
  read: readDocuments,
};

async function* readDocuments(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<AdvisoryRecord> {
  let number = -1;
  let current: VexDocument = createDocument();
  let isOpenvex = false;
  for await (const part of streamJson(chunks, isPart)) {
    if (part.document !== number) {
      if (number >= 0 && !isOpenvex) yield* current.records();
      if (part.document !== number + 1) throw noDocument();
      number = part.document;
      current = createDocument();
      isOpenvex = false;
    }
    if (part.path[0] === '@context') isOpenvex = isOpenvexContext(part);
    else if (part.path[0] === 'statements') {
      if (!isOpenvex) throw noDocument();
      yield* readOpenvexStatement(part.value);
    } else current.take(part);
  }
  if (number < 0) throw noDocument();
  if (!isOpenvex) yield* current.records();
}

function isPart(path: readonly string[]): boolean {
  return path.length > 0 && path.length <= 3 && parts.has(path.join('.'));
}

function isOpenvexContext({ value }: JsonRecord): boolean {
  const isKnown = typeof value === 'string' && /^https:\/\/openvex\.dev\/ns(\/v0\.|$)/.test(value);
  if (!isKnown) throw noDocument();
  return true;
}

function noDocument(): Error {
  return advisoriesInvalid(
    'documents of CSAF 2.0 or OpenVEX 0.2',
    'one has neither csaf_version nor, before its statements, a context of OpenVEX',
  );
}
