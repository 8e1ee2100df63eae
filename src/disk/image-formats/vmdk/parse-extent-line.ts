/** A line such as `RW 4192256 FLAT "disk-f001.vmdk" 0`. */
export interface ExtentLine {
  readonly kind: string;
  /** Bytes of the disk. */
  readonly size: bigint;
  /** The file as the descriptor names it; empty for zeros. */
  readonly name: string;
  /** Byte in the file where the extent begins. */
  readonly offset: bigint;
}

const sectorBytes = 512n;

/** The extent that a line of a descriptor describes; undefined for any other line. */
export function parseExtentLine(line: string): ExtentLine | undefined {
  const found =
    /^\s*(?:RW|RDONLY|NOACCESS)\s+(\d{1,15})\s+([A-Za-z]+)(?:\s+"([^"]*)"(?:\s+(\d{1,15}))?)?/.exec(line);
  if (found === null) return undefined;
  const [, sectors = '0', kind = '', name = '', offset = '0'] = found;
  return {
    kind: kind.toUpperCase(),
    size: BigInt(sectors) * sectorBytes,
    name,
    offset: BigInt(offset) * sectorBytes,
  };
}
