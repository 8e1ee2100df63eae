import type { ByteSource } from '../../../lib/byte-source.ts';
import { peek } from '../../peek.ts';
import { noClient, protectedHeader, restartArea, restartFlag, restartMagics, restartPage } from './layout.ts';
import { restoreSectors } from './restore-sectors.ts';

/** `clean`: nothing is left to replay. */
export type LogState = 'clean' | 'not clean';

const leastPage = 512;
const largestPage = 64 * 1024;
const emptyByte = 0xff;

interface RestartPage {
  readonly logSequence: bigint;
  readonly state: LogState;
}

/** What the two restart pages at the start of $LogFile say; the newer one counts. A log of nothing but 0xff is empty. */
export function readLogState(log: ByteSource): LogState {
  const head = peek(log, 0n, leastPage);
  if (head === undefined || head.every((byte) => byte === emptyByte)) {
    return 'clean';
  }
  const first = parsePage(log, 0n);
  const pageSize = sizeOfPage(head) ?? 4096;
  const pages = [first, parsePage(log, BigInt(pageSize))].filter((page) => page !== undefined);
  const newest = pages.toSorted((a, b) => (a.logSequence < b.logSequence ? 1 : -1))[0];
  return newest?.state ?? 'not clean';
}

function parsePage(log: ByteSource, offset: bigint): RestartPage | undefined {
  const head = peek(log, offset, leastPage);
  const pageSize = head === undefined ? undefined : sizeOfPage(head);
  const page = pageSize === undefined ? undefined : peek(log, offset, pageSize);
  if (page === undefined || !restoreSectors(page)) {
    return undefined;
  }
  const area = page.readUInt16LE(restartPage.restartOffset);
  if (area + restartArea.bytes > page.length) {
    return undefined;
  }
  const isClean =
    (page.readUInt16LE(area + restartArea.flags) & restartFlag.clean) !== 0 ||
    page.readUInt16LE(area + restartArea.clientsInUse) === noClient;
  return {
    logSequence: page.readBigUInt64LE(area + restartArea.logSequence),
    state: isClean ? 'clean' : 'not clean',
  };
}

function sizeOfPage(head: Buffer): number | undefined {
  const magic = head.toString('latin1', protectedHeader.magic, 4);
  const size = head.readUInt32LE(restartPage.systemPageSize);
  const isSound = size >= leastPage && size <= largestPage && (size & (size - 1)) === 0;
  return restartMagics.includes(magic) && isSound ? size : undefined;
}
