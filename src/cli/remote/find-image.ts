import type { z } from 'zod';
import { imageSchema } from '../../api/schemas.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import type { ServerClient } from './server-client.ts';

export type RemoteImage = z.infer<typeof imageSchema>;

/**
 * An image of the inventory by its id, or by where it is.
 * @throws ColdpatchError `object_unknown`; `usage` when several sources have it.
 */
export async function findRemoteImage(client: ServerClient, named: string): Promise<RemoteImage> {
  if (/^[0-9a-f-]{36}$/.test(named)) return client.get(`/api/v1/images/${named}`, imageSchema);
  const search = new URLSearchParams({ search: named.slice(0, 200) });
  const listed = await client.list(`/api/v1/images?${search.toString()}`, imageSchema);
  const found = listed.filter(({ locator }) => locator === named);
  const [image] = found;
  if (image && found.length === 1) return image;
  throw new ColdpatchError(
    image ? 'usage' : 'object_unknown',
    `Expected one image that is at ${named}, but the server knows ${found.length}. Name it by its id; "list" shows them.`,
  );
}
