// SPDX-License-Identifier: BSL-1.0
//
// ELF kernels and bzImages.

function kernelSections(kernel) {
  const list = [verdictSection(kernel.verdicts)];
  if (kernel.error) return [...list, section('Image', failure(kernel.error))];
  const {phys32_entry: entry, phys32_reloc: reloc} = kernel;
  list.push(section('Image',
    facts([
      ['Class', `ELF${kernel.class}`],
      ['Memory', `[${hex(kernel.address)}, ${hex(BigInt(kernel.address) + BigInt(kernel.size))})`],
      ['e_entry', hex(kernel.e_entry)],
      entry.error ? null : ['PVH entry', `${hex(entry.address)}${entry.differs ? '; other notes differ' : ''}`],
      reloc === null ? null : ['Relocatable', reloc.error ? reloc.error.message :
        `by ${hex(reloc.alignment)} within [${hex(reloc.minimum)}, ${hex(reloc.maximum)}]`],
    ]),
    entry.error ? failure(entry.error) : null));
  list.push(section('Notes', kernel.notes.length === 0 ? element('p', {class: 'faint'}, 'This image has no notes.') :
    table('Notes', ['Offset', 'Owner', 'Type', 'Descriptor', 'Found in'], kernel.notes.map(noteRow))));
  list.push(section('Segments', table('Segments', ['Type', 'Flags', 'Offset', 'In the file', 'Address', 'In memory'],
    kernel.segments.map((s) => [
      hex(s.type), [...'rwx'].map((c, i) => ((s.flags >> (2 - i)) & 1 ? c : '-')).join(''), hex(s.offset),
      sizeText(s.file_size), hex(s.address), sizeText(s.memory_size)]))));
  return list;
}

function noteRow(note) {
  const size = note.descriptor.length / 2;
  const end = note.descriptor_offset === 0 ? Number(note.offset) + 12 : Number(note.descriptor_offset) + size;
  return [
    bytesButton(hex(note.offset), Number(note.offset), end - Number(note.offset), `the note of ${guestText(note.owner)}`),
    guestText(note.owner), note.type,
    size === 0 ? 'none' : bytesButton(shortened(note.descriptor), Number(note.descriptor_offset), size, 'the descriptor'),
    note.in,
  ];
}

// The first thing to look at: the entry's note.
function bytesOfKernel(kernel) {
  const entry = kernel.phys32_entry;
  const note = entry && !entry.error ? kernel.notes.find((n) => n.offset === entry.offset) : null;
  if (!note) return {offset: 0, size: 16, what: 'the ELF header'};
  const end = Number(note.descriptor_offset) + note.descriptor.length / 2;
  return {offset: Number(note.offset), size: end - Number(note.offset), what: 'the PHYS32_ENTRY note'};
}

function bzimageSections(image) {
  const list = [verdictSection(image.verdicts)];
  if (image.error) return [...list, section('Image', failure(image.error))];
  const {payload} = image;
  list.push(section('Image', facts([
    ['Linux', guestText(image.version)],
    ['Boot protocol', image.protocol],
    ['Payload', `${payload.format}, ${sizeText(payload.size)}, ${sizeText(payload.uncompressed_size)} unpacked`],
    ['Prefers', hex(image.pref_address)],
    ['Needs', sizeText(image.init_size)],
    ['Relocatable', image.relocatable ? `by ${hex(image.alignment)}` : 'no'],
    ['Command line', `up to ${plural(image.cmdline_size, 'byte')}`],
    ['Initrd', `up to ${hex(image.initrd_addr_max)}`],
    ['64-bit entry', image.entry_64 ? 'yes' : 'no'],
  ])));
  list.push(section('Setup header', fieldTable('Fields of the setup header', image.fields, (f) => f.offset)));
  return list;
}
