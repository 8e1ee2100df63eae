import { existsSync } from 'node:fs';
import type { Config } from '../config/schema.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { type AuditHead, verifyAudit } from '../store/audit.ts';
import { openStore } from '../store/open-store.ts';
import { databasePath } from './serve.ts';

/** `coldpatch audit verify`. @throws ColdpatchError `audit_broken`, `file_not_found` */
export async function verifyAuditLog(config: Config, expected: string | undefined): Promise<AuditHead> {
  const path = databasePath(config);
  if (!existsSync(path))
    throw new ColdpatchError(
      'file_not_found',
      `Expected the database of a server at ${path}, but there is none.`,
    );
  const store = openStore(path, () => new Date());
  try {
    return await verifyAudit(store, expected);
  } finally {
    await store.close();
  }
}
