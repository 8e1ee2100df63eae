/** Boot code for tests that need a machine that "starts" within a second: it shows a sector of the disk on its screen. */

/** Of the code and of what the BIOS is told; the partition table comes much later. */
const packetOffset = 0x40;

/**
 * For the first bytes of a disk: reads one sector, prints it up to its first zero byte through the BIOS, and halts.
 *
 * @param sector whose bytes are printed.
 */
export function bootCode(sector: number): Buffer {
  const code = Buffer.alloc(0x50);
  // cld; xor ax,ax; mov ds,ax; mov si,packet; mov ah,42h; int 13h; mov si,7e00h
  code.write('fc31c08ed8be407cb442cd13be007e', 0, 'hex');
  // next: lodsb; test al,al; jz end; mov ah,0eh; mov bx,7; int 10h; jmp next; end: hlt; jmp end
  code.write('ac84c07409b40ebb0700cd10ebf2f4ebfd', 15, 'hex');
  // The packet: 16 bytes long, one sector, to 0000:7e00. BIOS enhanced disk drive specification, "extended read".
  code.write('10000100007e0000', packetOffset, 'hex');
  code.writeBigUInt64LE(BigInt(sector), packetOffset + 8);
  return code;
}

/** A disk without a partition table that shows `text`. */
export function bootSectorDisk(text: string): Buffer {
  const disk = Buffer.alloc(1024 * 1024);
  bootCode(1).copy(disk);
  disk.writeUInt16LE(0xaa55, 510);
  disk.write(text, 512, 'latin1');
  return disk;
}
