import { createHash } from 'node:crypto';
import type { Api } from './types.ts';

/**
 * Gives every answer to a GET an ETag, and answers 304 to whoever has it (RFC 9110, 8.8.3 and 13.1.2).
 * An answer that a route has tagged itself keeps its tag; streams have none.
 */
export function tagAnswers(api: Api): void {
  api.addHook('onSend', async (request, reply, payload) => {
    if (request.method !== 'GET' || reply.statusCode !== 200) return payload;
    if (typeof payload !== 'string' || !request.url.startsWith('/api/')) return payload;
    const own = reply.getHeader('etag');
    const tag =
      typeof own === 'string' ? own : `"${createHash('sha256').update(payload).digest('base64url')}"`;
    void reply.header('etag', tag);
    // Shared caches must not keep what only the holder of a token may see.
    void reply.header('cache-control', 'private, no-cache');
    if (!isListed(request.headers['if-none-match'], tag)) return payload;
    void reply.status(304).removeHeader('content-length').removeHeader('content-type');
    return null;
  });
}

/** Compared weakly: a tag of a proxy that changed only the encoding is still this tag. */
function isListed(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  const tags = header.slice(0, 10_000).split(',');
  return tags.some((text) => text.trim() === '*' || text.trim().replace(/^W\//, '') === tag);
}
