/** `Packages.db` of rpm's ndb (rpm's source, lib/backend/ndb/rpmpkg.c); all numbers are little-endian. */

export const header = { size: 32, magic: 'RpmP', version: 4, slotPages: 12 } as const;

/** The pages of slots stand at the beginning; the header takes the place of the first two slots. */
export const slot = { size: 16, perPage: 256, magic: 'Slot', index: 4, block: 8, blocks: 12 } as const;

/** Blobs begin and end on blocks of 16 bytes. */
export const blockSize = 16;

export const blob = {
  headSize: 16,
  headMagic: 'BlbS',
  index: 4,
  length: 12,
  tailSize: 12,
  tailMagic: 'BlbE',
} as const;
