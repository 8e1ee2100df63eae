import type { KeyObject } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import { digestFile } from '../lib/digest-file.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { openHostState } from '../machines/definitions/host-state.ts';
import { resolveImagePath } from '../machines/image-path.ts';
import { openServiceKey, readPublicKey } from '../machines/signing/service-key.ts';
import {
  type KeptStatement,
  readImageStatements,
  readStatement,
} from '../machines/signing/image-statements.ts';
import { type Promotion, readPromotion } from '../patch/describe-promotion.ts';

export interface AttestRequest {
  readonly image: string;
  /** A statement that came with the image; else those beside it are used. */
  readonly statement?: string | undefined;
  /** Public keys to accept, in place of this host's own. */
  readonly keys?: readonly string[] | undefined;
  readonly signal: AbortSignal;
}

export interface Attested {
  readonly image: string;
  readonly sha256: string;
  readonly path: string;
  readonly promotion: Promotion;
}

/**
 * `coldpatch attest verify`: the signed statement that the image, byte for byte, came out of a promotion.
 *
 * @throws ColdpatchError `signature_invalid` when no valid statement is about these bytes.
 */
export async function verifyAttestation(config: Config, request: AttestRequest): Promise<Attested> {
  const { path } = resolveImagePath(request.image);
  const keys = await acceptedKeys(config, request.keys);
  const statements = await statementsFor(path, request, keys);
  const sha256 = await digestFile(path, { signal: request.signal });
  for (const found of statements) {
    if (found.answer === 'invalid') continue;
    const { predicateType, predicate, subjects } = found.statement;
    const promotion = readPromotion(predicateType, predicate);
    if (promotion && subjects.some((subject) => subject.sha256 === sha256)) {
      return { image: path, sha256, path: found.path, promotion };
    }
  }
  const reasons = statements.map((one) =>
    one.answer === 'invalid' ? one.detail : `${one.path} is about ${one.statement.subjects[0]?.sha256}`,
  );
  throw new ColdpatchError(
    'signature_invalid',
    `Expected a signed statement about ${path}, whose SHA-256 is ${sha256}, but found ${
      reasons.length === 0 ? 'none' : `none that fits:\n${reasons.join('\n')}`
    }\nThe image was written since, was never promoted here, or was rolled back.`,
  );
}

async function statementsFor(
  path: string,
  { statement }: AttestRequest,
  keys: readonly KeyObject[],
): Promise<readonly KeptStatement[]> {
  if (statement === undefined) return readImageStatements(path, keys);
  const found = await readStatement(statement, keys);
  if (found) return [found];
  throw new ColdpatchError(
    'file_not_found',
    `Expected a signed statement at ${statement}, but there is none.`,
  );
}

async function acceptedKeys(config: Config, keys: readonly string[] = []): Promise<readonly KeyObject[]> {
  if (keys.length > 0) return Promise.all(keys.map(readPublicKey));
  const { publicKey } = await openServiceKey(await openHostState(config.stateDirectory));
  return [publicKey];
}
