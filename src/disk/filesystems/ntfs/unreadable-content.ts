import { fileAttribute, reparseTag } from './layout.ts';
import type { ReparsePoint } from './parse-reparse-point.ts';

const elsewhere = fileAttribute.offline | fileAttribute.recallOnOpen | fileAttribute.recallOnAccess;

/**
 * Why the data of a file is not its content, or undefined when it is.
 * @param attributes the flags of $STANDARD_INFORMATION.
 */
export function unreadableContent(point: ReparsePoint | undefined, attributes: number): string | undefined {
  if (point === undefined || point.tag === reparseTag.appLink) {
    return undefined;
  }
  if (point.tag === reparseTag.compactOs) {
    return point.chunkBytes === undefined
      ? 'is compressed by Windows in an unknown way (CompactOS)'
      : undefined;
  }
  // The operands of >>> keep the tag unsigned, as the constants are.
  if ((point.tag & reparseTag.cloudMask) >>> 0 === reparseTag.cloud) {
    return (attributes & elsewhere) === 0 ? undefined : 'is kept in a cloud and not on this disk';
  }
  return `is a reparse point with the unknown tag 0x${point.tag.toString(16)}`;
}
