import { verifyAttestation } from '../../app/attest.ts';
import { cleanText } from '../clean-text.ts';
import { interruptSignal } from '../interrupt-signal.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { printJson } from '../print-json.ts';

export interface AttestOptions {
  readonly statement?: string;
  readonly key?: readonly string[];
  readonly json: boolean;
  readonly config?: string;
}

/** `coldpatch attest verify IMAGE`. */
export async function verifyAttestationCommand(
  io: { print(text: string): void },
  image: string,
  options: AttestOptions,
): Promise<void> {
  const found = await verifyAttestation(loadCommandConfig(options), {
    image,
    statement: options.statement,
    keys: options.key,
    signal: interruptSignal(),
  });
  if (options.json) {
    io.print(printJson(found));
    return;
  }
  const { promotion, sha256, path } = found;
  const failed = promotion.verification.filter(({ ok }) => !ok).length;
  const lines = [
    `${image}: signed, and the very bytes that were promoted on ${promotion.promotedAt}`,
    `from       ${promotion.input.digest.sha256}`,
    `to         ${sha256}`,
    `engine     ${promotion.engine.id}: ${promotion.engine.isolation}`,
    `packages   ${promotion.plan.changes.length} changed, ${promotion.plan.held.length} held back`,
    ...promotion.repositories.map(
      ({ uri, suite, releaseDigest }) => `repository ${uri} ${suite} ${releaseDigest}`,
    ),
    `checks     ${promotion.verification.length}, of which ${failed} failed`,
    `statement  ${path}`,
  ];
  io.print(lines.map((line) => `${cleanText(line)}\n`).join(''));
}
