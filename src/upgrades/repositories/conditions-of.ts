import type { ReleaseRecord } from './release-record.ts';

/** The headers that ask a server for a file only when it is no longer what is known (RFC 9110, section 13.1). */
export function conditionsOf(known: ReleaseRecord | undefined): Readonly<Record<string, string>> {
  return {
    ...(known?.etag === undefined ? {} : { 'if-none-match': known.etag }),
    ...(known?.lastModified === undefined ? {} : { 'if-modified-since': known.lastModified }),
  };
}
