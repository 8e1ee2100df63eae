/** What the guest says on port 0xe9 when it runs. */
export const bootSectorWords = 'coldpatch: a guest runs\n';

/** How QEMU ends when the guest wrote 0x10 to isa-debug-exit at port 0xf4: twice that, plus one. */
export const bootSectorExitCode = 0x21;

const sectorBytes = 512;
const loadAddress = 0x7c00;

/**
 * A boot sector for a PC that says `bootSectorWords`, asks QEMU to end, and needs nothing but a BIOS that loads it.
 * A BIOS loads 512 bytes to 0x7c00 and starts them in real mode when they end with 55 AA.
 */
export function makeBootSector(): Uint8Array {
  const code = [
    [0x31, 0xc0], // xor ax, ax
    [0x8e, 0xd8], // mov ds, ax
    [0xbe, 0x00, 0x00], // mov si, words (filled in below)
    [0xfc], // cld
    [0xac], // next: lodsb
    [0x84, 0xc0], // test al, al
    [0x74, 0x04], // jz end
    [0xe6, 0xe9], // out 0xe9, al
    [0xeb, 0xf7], // jmp next
    [0xb0, 0x10], // end: mov al, 0x10
    [0xe6, 0xf4], // out 0xf4, al
    [0xfa], // cli
    [0xf4], // wait: hlt
    [0xeb, 0xfd], // jmp wait
  ].flat();
  const sector = Buffer.alloc(sectorBytes);
  sector.set(code);
  sector.writeUInt16LE(loadAddress + code.length, 5);
  sector.write(`${bootSectorWords}\0`, code.length, 'latin1');
  sector.writeUInt16LE(0xaa55, sectorBytes - 2);
  return sector;
}
