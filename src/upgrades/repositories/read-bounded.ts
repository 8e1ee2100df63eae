import { ColdpatchError, type ErrorCode } from '../../lib/errors.ts';

/**
 * A whole download of a small file.
 *
 * @param options `limit` in bytes; `code` of the error for what is larger.
 */
export async function readBounded(
  body: AsyncIterable<Uint8Array>,
  { limit, url, code }: { readonly limit: number; readonly url: string; readonly code: ErrorCode },
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) {
      throw new ColdpatchError(
        code,
        `Expected at most ${limit} bytes at ${url}, found more. That is no list of a repository: check the address.`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
