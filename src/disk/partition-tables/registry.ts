import { bsd } from './bsd/index.ts';
import { gpt } from './gpt/index.ts';
import { mbr } from './mbr/index.ts';
import type { PartitionTableFormat } from './types.ts';

/** In the order of detection: a disk with GPT also has a protective MBR, and BSD's label has room beside an MBR. */
export const partitionTableFormats: readonly PartitionTableFormat[] = [gpt, mbr, bsd];
