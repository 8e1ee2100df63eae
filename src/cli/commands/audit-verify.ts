import { verifyAuditLog } from '../../app/audit.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { printJson } from '../print-json.ts';

export interface AuditVerifyOptions {
  readonly head?: string;
  readonly json: boolean;
  readonly database?: string;
  readonly config?: string;
}

/** `coldpatch audit verify`. */
export async function auditVerifyCommand(
  io: { print(text: string): void },
  { head, json, database, config }: AuditVerifyOptions,
): Promise<void> {
  const found = await verifyAuditLog(loadCommandConfig({ config }), { expected: head, database });
  io.print(json ? printJson(found) : `${found.entries} entries, as they were written\nhead ${found.hash}\n`);
}
