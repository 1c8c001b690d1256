// SPDX-License-Identifier: BSL-1.0
//
// Handoffs, zero pages, and the memory that they lie in.

const mostHandoffs = 16;

function memorySections(memory) {
  const list = [];
  const {handoffs, zero_pages: pages} = memory;
  if (handoffs.length + pages.length === 0)
    list.push(section('Memory', element('p', {}, 'Neither a start_info nor a zero page was found in this file.')));
  for (const handoff of handoffs.slice(0, mostHandoffs)) list.push(...handoffSections(handoff, handoffs.length > 1));
  for (const page of pages.slice(0, mostHandoffs)) list.push(...zeroPageSections(page, inMemory(page.address)));
  if (handoffs.length > mostHandoffs || pages.length > mostHandoffs)
    list.push(element('p', {class: 'faint'}, `There are ${plural(handoffs.length, 'start_info')} and ${plural(pages.length, 'zero page')}; the first ${mostHandoffs} are shown.`));
  list.push(section('Pieces of memory', element('p', {class: 'faint'}, `${memory.format}, ${plural(memory.pieces.length, 'piece')}`),
    table('Pieces of memory', ['Address', 'Size'], memory.pieces.map((p) => [hex(p.address), sizeText(p.size)]))));
  return list;
}

// Where fields of a structure in guest memory are in the file.
const inMemory = (address) => (f) => view.inspection.offsetOf(BigInt(address) + BigInt(f.offset), f.size);

function handoffSections(h, isOneOfMany) {
  const at = hex(h.address);
  const suffix = isOneOfMany ? ` of ${at}` : '';
  if (h.error) return [section(`start_info at ${at}`, failure(h.error))];
  const modules = h.modules.map((m, i) => [
    String(i), memoryButton(m.address, m.size, `module ${i}`), sizeText(m.size), m.cmdline === null ? 'none' : guestText(m.cmdline)]);
  return [
    findingSection(h.findings, suffix),
    section(`Memory map${suffix}`, pictureOf(h.memory_map, h.extents)),
    section(`start_info at ${at}`,
      facts([['Command line', element('code', {class: 'long'}, guestText(h.cmdline))], ['RSDP', h.rsdp.address === 0 ? 'absent' : `${hex(h.rsdp.address)}, ${h.rsdp.state}`]]),
      fieldTable(`Fields of start_info at ${at}`, h.fields, inMemory(h.address))),
    modules.length === 0 ? element('div') : section(`Modules${suffix}`, table('Modules', ['Number', 'Address', 'Size', 'Command line'], modules)),
  ];
}

function findingSection(findings, suffix) {
  if (findings.length === 0)
    return section(`Findings${suffix}`, element('p', {class: 'lead'}, 'Nothing about this handoff is odd.'));
  const classes = {error: 'bad', warning: 'fair', info: 'plain'};
  return section(`Findings${suffix}`, element('ul', {class: 'findings'}, ...findings.map((f) => element('li', {},
    element('span', {class: `badge ${classes[f.level]}`}, f.level), ' ',
    element('strong', {}, f.message), ` (${f.where} `, memoryButton(f.address, 4, f.message), ')',
    f.fails === '' ? null : element('span', {class: 'remedy'}, `; ${f.fails}`)))));
}

function zeroPageSections(page, place) {
  const suffix = page.address === undefined ? '' : ` of ${hex(page.address)}`;
  const list = [];
  if (page.error) list.push(section(`Zero page${suffix}`, failure(page.error)));
  if (page.memory_map) {
    const initrd = page.initrd.size === 0 ? [] : [{...page.initrd, what: 'initrd'}];
    list.push(section(`E820 map${suffix}`, pictureOf(page.memory_map, initrd)));
    list.push(section(`Values${suffix}`, facts([
      ['Command line', page.cmdline_address === 0 ? 'absent' : hex(page.cmdline_address)],
      ['Initrd', page.initrd.size === 0 ? 'absent' : `${sizeText(page.initrd.size)} at ${hex(page.initrd.address)}`],
      ['RSDP', page.rsdp.address === 0 ? 'absent' : hex(page.rsdp.address)],
    ])));
  }
  if (page.setup_data)
    list.push(section(`setup_data${suffix}`, page.setup_data.length === 0 ? element('p', {class: 'faint'}, 'There are no nodes.') :
      table('setup_data', ['Address', 'Name', 'Type', 'Size', 'Notes'], page.setup_data.map(nodeRow))));
  list.push(section(`Fields of the zero page${suffix}`, fieldTable('Fields of the zero page', page.fields, place)));
  return list;
}

function nodeRow(node) {
  if (node.address === undefined) return ['unreadable', '', '', '', node.error.message];
  const inner = node.indirect;
  return [memoryButton(node.address, 16, 'the node'), node.name, hex(node.type), sizeText(node.size),
          inner ? `type ${hex(inner.type)}, ${sizeText(inner.size)} at ${hex(inner.address)}` : node.error ? node.error.message : ''];
}
