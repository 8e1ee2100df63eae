import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import type { Gap } from '../../../lib/gap.ts';
import { createSectorOverlay } from './sector-overlay.ts';
import * as layout from './layout.ts';
import { type BaseBlock, parseBaseBlock } from './parse-base-block.ts';
import { parseLogEntry } from './parse-log-entry.ts';
import type { ReadBudget } from './read-budget.ts';
import { registryCorrupt } from './registry-corrupt.ts';

/** A transaction log of a hive. */
export interface HiveLog {
  /** The file's name, for messages. */
  readonly where: string;
  readonly file: ByteSource;
}

export interface ReplayedHive {
  readonly base: BaseBlock;
  /** The hive as it would be after its next loading. */
  readonly bytes: ByteSource;
  readonly gaps: readonly Gap[];
}

/**
 * A hive whose last writing was not finished, completed in memory from its logs of the new format (Windows 8.1 and
 * later): the entries that follow its own sequence number, one by one. Where nothing can be applied there is a gap.
 */
export function replayLogs(
  file: ByteSource,
  where: string,
  logs: readonly HiveLog[],
  budget: ReadBudget,
): ReplayedHive {
  const own = parseBaseBlock(file, where);
  if (own.fileType !== layout.fileTypes.primary) {
    throw registryCorrupt(`Expected ${where} to be a hive, found a file of type ${own.fileType}.`);
  }
  const isFinished = own.hasValidChecksum && own.primarySequence === own.secondarySequence;
  if (isFinished) return { base: own, bytes: file, gaps: [] };
  const gaps: Gap[] = [];
  const usable = logs.flatMap((log) => usableLog(log, gaps, budget));
  const base = own.hasValidChecksum ? own : usable[0]?.base;
  if (base === undefined)
    throw registryCorrupt(`Expected the checksum of ${where} to be right, but it is not.`);

  const overlay = createSectorOverlay(file, where);
  let { binsBytes } = base;
  let next = base.secondarySequence;
  let applied = 0;
  // Either of two logs may hold the older entries.
  for (const log of [...usable, ...usable]) {
    for (let at = layout.logEntry.sectorBytes; ; ) {
      const entry = parseLogEntry(log.bytes, at);
      if (entry === undefined) break;
      at += entry.size;
      // Entries that were applied before remain in the file.
      if (entry.sequence < next) continue;
      if (entry.sequence !== next) break;
      for (const page of entry.pages) overlay.put(layout.baseBlockBytes + page.offset, page.bytes);
      ({ binsBytes } = entry);
      next = entry.sequence + 1;
      applied += 1;
    }
  }
  if (applied === 0) {
    const detail =
      'its last writing was not finished, and no transaction log that could be read completes it';
    return { base, bytes: file, gaps: [...gaps, { where, reason: 'unclean', detail }] };
  }
  return {
    base: { ...base, binsBytes },
    bytes: overlay.source(BigInt(layout.baseBlockBytes + binsBytes)),
    gaps,
  };
}

interface UsableLog {
  readonly base: BaseBlock;
  readonly bytes: Buffer;
}

/** A log is of use when it is of the new format, whole, and not too large. */
function usableLog({ file, where }: HiveLog, gaps: Gap[], budget: ReadBudget): readonly UsableLog[] {
  if (file.size <= BigInt(layout.logEntry.sectorBytes)) return [];
  if (file.size > BigInt(layout.mostLogBytes)) {
    gaps.push({
      where,
      reason: 'limit',
      detail: `has ${file.size} bytes; logs of at most ${layout.mostLogBytes} are read`,
    });
    return [];
  }
  if (readBytes(file, 0n, 4).toString('latin1') !== layout.baseBlock.signature) return [];
  const base = parseBaseBlock(file, where);
  if (!base.hasValidChecksum || base.fileType !== layout.fileTypes.newLog) return [];
  budget.spend(Number(file.size), where);
  return [{ base, bytes: readBytes(file, 0n, Number(file.size)) }];
}
