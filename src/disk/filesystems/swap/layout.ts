/** Linux's swap area, as `union swap_header` in the kernel's include/linux/swap.h. The magic ends the first page. */

export const pageSizes = [4096, 8192, 16_384, 65_536] as const;
export const magicBytes = 10;
export const magics = ['SWAPSPACE2', 'SWAP-SPACE'] as const;
/** What stands in the magic's place while a hibernated machine sleeps in the area. */
export const hibernationMagics = [
  'S1SUSPEND\0',
  'S2SUSPEND\0',
  'ULSUSPEND\0',
  'LINHIB0001',
  '\xed\xc3\x02\xe9\x98\x56\xe5\x0c',
] as const;

/** Offsets of version 1; byte order is the machine's, and only bytes are read here. */
export const header = { uuid: 1024 + 12, label: 1024 + 28, uuidBytes: 16, labelBytes: 16 } as const;
