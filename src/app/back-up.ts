import { resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import { backUpStore } from '../store/back-up-store.ts';
import { type Restored, restoreStore } from '../store/restore-store.ts';
import { databasePath } from './open-server-store.ts';
import { lockServer } from './serve.ts';

/** `coldpatch backup`. @throws ColdpatchError `file_not_found`, `state_conflict`, `host_space` */
export async function backUpServer(config: Config, target: string): Promise<void> {
  await backUpStore(databasePath(config), resolve(target));
}

/**
 * `coldpatch restore`: no server may be running.
 * @throws ColdpatchError `server_running`, `file_not_found`, `backup_invalid`, `audit_broken`, `store_newer`, `host_space`
 */
export async function restoreServer(config: Config, backup: string): Promise<Restored> {
  await using _lock = await lockServer(config, 0);
  return await restoreStore(databasePath(config), resolve(backup), () => new Date());
}
