import type { ByteSource } from '../../lib/byte-source.ts';
import type { Detection } from '../../lib/detection.ts';
import type { Gap } from '../../lib/gap.ts';

export type PartitionTableId = 'gpt' | 'mbr' | 'bsd';

export interface Partition {
  /** The number that Linux gives it: /dev/vda1 is 1. */
  readonly number: number;
  /** First byte on the disk. */
  readonly start: bigint;
  /** Length in bytes. */
  readonly size: bigint;
  /** MBR and BSD: two hexadecimal digits. GPT: the type GUID, lower case. */
  readonly type: string;
  /** The PARTUUID as Linux writes it: GPT's unique GUID, or MBR's disk signature and number. */
  readonly partitionUuid?: string;
  /** GPT only. */
  readonly name?: string;
  readonly bootable: boolean;
  /** GPT only: the 64 bits of the entry, absent when none is set. */
  readonly attributes?: bigint;
}

export interface PartitionTable {
  readonly id: PartitionTableId;
  /** GPT disk GUID or MBR disk signature, lower case; of BSD the name of the pack. */
  readonly diskId: string;
  /** Bytes of a sector. */
  readonly sectorSize: number;
  readonly partitions: readonly Partition[];
  readonly gaps: readonly Gap[];
}

export interface PartitionTableFormat {
  readonly id: PartitionTableId;
  readonly revision: number;
  detect(disk: ByteSource): Detection;
  read(disk: ByteSource): PartitionTable;
}
