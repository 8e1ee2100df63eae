import type { ServerConfig } from '../../config/server-schema.ts';
import type { RoomLimits } from '../../jobs/host-room.ts';
import type { RunKind } from '../../store/tables.ts';

export interface HostLimits {
  /** Runs of a kind at a time. */
  readonly runs: Readonly<Record<RunKind, number>>;
  /** What all steps may take together. */
  readonly room: RoomLimits;
  /** What each upgrade may read and write: all may be under way. */
  readonly ioBytesPerUpgrade: number | undefined;
}

const mebibyte = 1024 ** 2;

/** What is said for the host wins, key by key; without a name it is the only host. */
export function hostLimits({ limits }: ServerConfig, host?: string): HostLimits {
  const own = host === undefined ? undefined : limits.hosts[host];
  const upgrades = own?.upgrades ?? limits.upgrades;
  const memory = own?.memoryMebibytes ?? limits.memoryMebibytes;
  const scratch = own?.scratchMebibytes ?? limits.scratchMebibytes;
  const io = own?.ioMebibytesPerSecond ?? limits.ioMebibytesPerSecond;
  return {
    runs: {
      collect: 1,
      inspect: own?.inspections ?? limits.inspections,
      upgrade: upgrades,
      rollback: 1,
    },
    room: {
      ...(memory !== undefined && { memory: memory * mebibyte }),
      ...(scratch !== undefined && { scratch: scratch * mebibyte }),
    },
    ioBytesPerUpgrade: io === undefined ? undefined : (io * mebibyte) / upgrades,
  };
}
