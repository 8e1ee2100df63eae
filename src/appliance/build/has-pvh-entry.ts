import { binaryReader } from '../../lib/binary-reader.ts';

/** elf(5), for 64 bits. */
const elf = { magic: '\x7fELF', headers: 32, headerSize: 54, headerCount: 56 };
const programHeader = { offset: 8, size: 32, note: 4 };
/** XEN_ELFNOTE_PHYS32_ENTRY of Xen's public headers: where a loader may jump to in protected mode. */
const pvhNote = { name: 'Xen', type: 18 };

/** Whether QEMU can start this program as a kernel: it looks for the same note. */
export function hasPvhEntry(program: Uint8Array): boolean {
  if (Buffer.from(program.subarray(0, 4)).toString('latin1') !== elf.magic) return false;
  const reader = binaryReader(program, { order: 'little', code: 'appliance_failed', what: 'the kernel' });
  const first = Number(reader.u64(elf.headers));
  const size = reader.u16(elf.headerSize);
  for (let index = 0; index < reader.u16(elf.headerCount); index += 1) {
    const at = first + index * size;
    if (reader.u32(at) !== programHeader.note) continue;
    const offset = Number(reader.u64(at + programHeader.offset));
    const length = Number(reader.u64(at + programHeader.size));
    if (isAmongNotes(reader.bytes(offset, length))) return true;
  }
  return false;
}

/** Sizes of name and content, type, name, content; each at a multiple of four bytes. */
function isAmongNotes(notes: Uint8Array): boolean {
  const reader = binaryReader(notes, {
    order: 'little',
    code: 'appliance_failed',
    what: 'the notes of the kernel',
  });
  for (let at = 0; at + 12 <= notes.length; ) {
    const nameLength = reader.u32(at);
    if (reader.u32(at + 8) === pvhNote.type && reader.text(at + 12, nameLength) === pvhNote.name) return true;
    at += 12 + Math.ceil(nameLength / 4) * 4 + Math.ceil(reader.u32(at + 4) / 4) * 4;
  }
  return false;
}
