import { ColdpatchError } from '../../../lib/errors.ts';
import { runProgram } from '../../../lib/run-program.ts';
import { type DomainParts, parseDomain, systemStates } from './parse-domain.ts';

const timeoutSeconds = 120;
const mostBytes = 4 * 1024 * 1024;

/**
 * Asks libvirt for the definition of a domain, by which it will be started next.
 *
 * @param uri of the connection: `qemu:///system`.
 * @throws ColdpatchError `machine_unknown` when libvirt gives none, `machine_unsupported`.
 */
export async function readDomain(uri: string, name: string): Promise<DomainParts> {
  const { exitCode, stdout, stderr } = await runProgram({
    file: 'virsh',
    args: [`--connect=${uri}`, 'dumpxml', '--inactive', `--domain=${name}`],
    timeoutSeconds,
    maxOutputBytes: mostBytes,
  });
  if (exitCode === 0) return parseDomain(stdout);
  throw new ColdpatchError(
    'machine_unknown',
    `Expected libvirt to know the domain ${JSON.stringify(name)} at ${uri}, but: ${stderr.trim().slice(0, 500)}`,
  );
}

/** Where swtpm has the state of a domain's TPM. @throws ColdpatchError `machine_unsupported` for a TPM 1.2. */
export function vtpmPathOf({ tpm, uuid }: DomainParts): string | undefined {
  if (!tpm) return undefined;
  if (tpm.version !== undefined && tpm.version !== '2.0') {
    throw new ColdpatchError(
      'machine_unsupported',
      `Expected a TPM 2.0, but the domain has one of version ${tpm.version}, whose state cannot be kept.`,
    );
  }
  return tpm.path ?? `${systemStates}/${uuid}/tpm2`;
}
