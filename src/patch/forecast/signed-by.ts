import { createHash, X509Certificate } from 'node:crypto';
import type { Signature } from '../../disk/uefi-variables/parse-signature-lists.ts';
import { derChildren, derValue } from '../../guest/measured-boot/pe/der.ts';
import { isColdpatchError } from '../../lib/errors.ts';

/** True when one of the certificates is one of the list, or was issued by one of it. */
export function isSignedBy(certificates: readonly Uint8Array[], list: readonly Signature[]): boolean {
  const digests = certificates.map(digestOfSignedPart);
  const parsed = certificates.flatMap(parse);
  return list.some(({ kind, data }) => {
    if (kind === 'x509-sha256') {
      const digest = Buffer.from(data.subarray(0, 32)).toString('hex');
      return digests.includes(digest);
    }
    if (kind !== 'x509') return false;
    if (certificates.some((certificate) => Buffer.compare(certificate, data) === 0)) return true;
    return parse(data).some((issuer) => parsed.some((certificate) => issued(issuer, certificate)));
  });
}

function issued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    // A key of a kind that OpenSSL does not know has issued nothing that it could confirm.
    return false;
  }
}

function parse(der: Uint8Array): readonly X509Certificate[] {
  try {
    return [new X509Certificate(der)];
  } catch {
    // Firmware passes over what is no certificate, too.
    return [];
  }
}

/** SHA-256 of what its issuer signed; undefined for what is no certificate. */
function digestOfSignedPart(der: Uint8Array): string | undefined {
  try {
    const [signed] = derChildren(derValue(der));
    return signed && createHash('sha256').update(signed.whole).digest('hex');
  } catch (error) {
    if (!isColdpatchError(error, 'boot_program_corrupt')) throw error;
    return undefined;
  }
}
