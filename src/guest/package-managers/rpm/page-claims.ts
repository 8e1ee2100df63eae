import { databaseCorrupt } from './database-corrupt.ts';

/** Which pages of a file have been read: a page that is reached twice belongs to a loop, or to two owners. */
export interface PageClaims {
  /** @throws `package_database_unreadable` when the page does not exist or was claimed before. */
  claim(page: number): void;
}

/** @param pages number of pages, bounded by the caller. Their numbers are 0 to `pages` - 1. */
export function createPageClaims(pages: number): PageClaims {
  const claimed = new Uint8Array(Math.ceil(pages / 8));
  return {
    claim(page) {
      if (page < 0 || page >= pages) throw databaseCorrupt(`a page below ${pages}`, `page ${page}`);
      const index = Math.floor(page / 8);
      const bit = 1 << (page % 8);
      const before = claimed[index] ?? 0;
      if ((before & bit) !== 0) throw databaseCorrupt(`one way to page ${page}`, 'two');
      claimed[index] = before | bit;
    },
  };
}
