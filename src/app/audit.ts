import { existsSync } from 'node:fs';
import type { Config } from '../config/schema.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { type AuditHead, verifyAudit } from '../store/audit.ts';
import { databasePath, openServerStore } from './open-server-store.ts';

/** `coldpatch audit verify`. @throws ColdpatchError `audit_broken`, `file_not_found` */
export async function verifyAuditLog(
  config: Config,
  { expected, database }: { readonly expected: string | undefined; readonly database: string | undefined },
): Promise<AuditHead> {
  const path = databasePath(config);
  if (database === undefined && !existsSync(path))
    throw new ColdpatchError(
      'file_not_found',
      `Expected the database of a server at ${path}, but there is none.`,
    );
  const { store } = await openServerStore(config, database);
  try {
    return await verifyAudit(store, expected);
  } finally {
    await store.close();
  }
}
