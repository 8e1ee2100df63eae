import { z } from 'zod';
import type { Qmp } from '../hypervisors/qemu/qmp.ts';

/** Bytes of memory that the guest has; a generation that keeps it is hardly larger than that. */
export async function memoryOf(qmp: Qmp): Promise<number> {
  const found = await qmp.execute('query-memory-size-summary', z.object({ 'base-memory': z.number() }));
  return found['base-memory'];
}
