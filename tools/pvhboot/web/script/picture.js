// SPDX-License-Identifier: BSL-1.0
//
// A memory map as a picture whose ranges can be selected: by pointer, or by the arrow keys once it has the focus.

const mostMarks = 512;

function pictureOf(map, things) {
  const marks = [...map.map((r) => ({address: r.address, size: r.size, type: r.type, label: r.name})),
                 ...things.map((t) => ({address: t.address, size: t.size, type: 0, label: t.what}))];
  if (marks.length === 0) return element('p', {class: 'faint'}, 'There is no memory map.');
  if (marks.length > mostMarks)
    return element('p', {class: 'faint'}, `This map has ${marks.length} ranges, too many for a picture.`);
  const padding = 40;
  const width = Math.max(260, Math.min(900, view.results.clientWidth - padding));
  const detail = element('p', {class: 'detail'}, 'Select a range: its bytes appear in the hex view where the file has them.');
  return element('div', {class: 'picture'}, interactive(view.inspection.draw(marks, width), detail), detail);
}

function interactive(text, detail) {
  const svg = document.importNode(new DOMParser().parseFromString(text, 'image/svg+xml').documentElement, true);
  svg.setAttribute('width', svg.viewBox.baseVal.width);
  svg.setAttribute('role', 'listbox');
  svg.setAttribute('aria-label', 'Ranges of memory');
  const marks = [...svg.querySelectorAll('.mark')];
  marks.forEach((mark, i) => {
    mark.setAttribute('role', 'option');
    mark.setAttribute('aria-label', mark.querySelector('title').textContent);
    mark.setAttribute('aria-selected', 'false');
    mark.setAttribute('tabindex', i === 0 ? '0' : '-1');
  });
  const choose = (mark) => {
    for (const other of marks) {
      other.setAttribute('aria-selected', String(other === mark));
      other.setAttribute('tabindex', other === mark ? '0' : '-1');
    }
    mark.focus();
    showMark(mark, detail);
  };
  svg.addEventListener('click', (event) => {
    const mark = event.target.closest('.mark');
    if (mark) choose(mark);
  });
  svg.addEventListener('keydown', (event) => {
    const i = marks.indexOf(document.activeElement);
    const to = {ArrowRight: i + 1, ArrowDown: i + 1, ArrowLeft: i - 1, ArrowUp: i - 1, Home: 0, End: marks.length - 1,
                Enter: i, ' ': i}[event.key];
    if (to === undefined || i < 0) return;
    event.preventDefault();
    choose(marks[Math.min(marks.length - 1, Math.max(0, to))]);
  });
  return svg;
}

function showMark(mark, detail) {
  const title = mark.querySelector('title').textContent;
  const size = BigInt(mark.dataset.size);
  // A range of the map is rarely in the file as a whole: then its beginning.
  const part = size < 4096n ? size : 4096n;
  const offset = view.inspection.offsetOf(mark.dataset.address, part);
  detail.textContent = offset === null ? `${title}: not in this file.` : `${title}: at offset ${hex(offset)} of this file.`;
  if (offset !== null) view.hex.show(offset, Number(part), title);
}
