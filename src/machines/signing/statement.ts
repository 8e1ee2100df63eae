/**
 * Signed statements: an in-toto statement v1 in a DSSE envelope v1, signed with Ed25519.
 * https://github.com/in-toto/attestation/tree/main/spec/v1, https://github.com/secure-systems-lab/dsse/blob/master/envelope.md
 */
import { type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { ColdpatchError } from '../../lib/errors.ts';
import { keyIdOfPublicKey, type ServiceKey } from './service-key.ts';

const payloadType = 'application/vnd.in-toto+json';
const largestEnvelope = 64 * 1024 * 1024;

const envelopeSchema = z.strictObject({
  payloadType: z.literal(payloadType),
  payload: z.base64(),
  signatures: z
    .array(z.strictObject({ keyid: z.string().max(256), sig: z.base64() }))
    .min(1)
    .max(16),
});

const statementSchema = z.strictObject({
  _type: z.literal('https://in-toto.io/Statement/v1'),
  subject: z
    .array(
      z.strictObject({
        name: z.string(),
        digest: z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
      }),
    )
    .min(1),
  predicateType: z.string(),
  predicate: z.unknown(),
});

export interface Subject {
  readonly name: string;
  readonly sha256: string;
}

export interface Statement {
  /** A URI that says what the predicate means. */
  readonly predicateType: string;
  readonly subjects: readonly Subject[];
  readonly predicate: unknown;
}

/** The statement as a signed envelope: JSON on one line, ended by a line end. */
export function signStatement({ predicateType, subjects, predicate }: Statement, key: ServiceKey): string {
  const payload = Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: subjects.map(({ name, sha256 }) => ({ name, digest: { sha256 } })),
      predicateType,
      predicate,
    }),
  );
  const signature = sign(null, preAuthentication(payload), key.privateKey);
  const envelope = {
    payloadType,
    payload: payload.toString('base64'),
    signatures: [{ keyid: key.id, sig: signature.toString('base64') }],
  };
  return `${JSON.stringify(envelope)}\n`;
}

/**
 * What an envelope says, once one of its signatures is by one of the keys.
 *
 * @param where for the message.
 * @throws ColdpatchError `signature_invalid`.
 */
export function verifyStatement(text: string, keys: readonly KeyObject[], where: string): Statement {
  if (text.length > largestEnvelope) throw invalid(where, `it has ${text.length} characters`);
  const envelope = parse(envelopeSchema, text, where);
  const payload = Buffer.from(envelope.payload, 'base64');
  const signed = preAuthentication(payload);
  const isOurs = envelope.signatures.some(({ keyid, sig }) =>
    keys.some(
      (key) => keyIdOfPublicKey(key) === keyid && verify(null, signed, key, Buffer.from(sig, 'base64')),
    ),
  );
  if (!isOurs) {
    const ids = envelope.signatures.map(({ keyid }) => keyid.slice(0, 16)).join(', ');
    throw invalid(where, `it is not signed by an accepted key; it names ${ids}`);
  }
  const { subject, predicateType, predicate } = parse(statementSchema, payload.toString('utf8'), where);
  return {
    predicateType,
    predicate,
    subjects: subject.map(({ name, digest }) => ({ name, sha256: digest.sha256 })),
  };
}

/** DSSE's pre-authentication encoding: what is signed covers the type and the lengths too. */
function preAuthentication(payload: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `),
    payload,
  ]);
}

function parse<Value>(schema: z.ZodType<Value>, text: string, where: string): Value {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw invalid(where, 'it is not one of ours', error);
  }
}

function invalid(where: string, found: string, cause?: unknown): ColdpatchError {
  return new ColdpatchError(
    'signature_invalid',
    `Expected a signed statement in ${where}, but ${found}. It was changed, or comes from another host.`,
    { cause },
  );
}
