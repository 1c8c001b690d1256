// SPDX-License-Identifier: BSL-1.0
//
// The bytes of the file: a page of rows, the selected bytes marked. Digits that are typed change a byte.
class HexView {
  constructor(place) {
    this.place = place;
    this.narrow = matchMedia('(max-width: 34rem)');
    this.narrow.addEventListener('change', () => this.inspection && this.render());
    this.goto = element('input', {id: 'hex-goto', class: 'value', 'aria-label': 'Go to offset', placeholder: 'offset', size: '12', autocomplete: 'off', spellcheck: 'false'});
    this.goto.addEventListener('change', () => {
      const to = parseNumber(this.goto.value);
      const valid = to !== null && to < BigInt(this.inspection.size);
      this.goto.setAttribute('aria-invalid', String(!valid));
      if (valid) this.show(Number(to), 1, `offset ${hex(to)}`);
    });
    this.what = element('p', {class: 'faint', id: 'hex-what'});
    this.rows = element('tbody');
    this.table = element('table', {role: 'grid', class: 'hex', 'aria-label': 'Bytes of the file', 'aria-describedby': 'hex-what'}, this.rows);
    this.table.addEventListener('keydown', (event) => this.key(event));
    this.table.addEventListener('click', (event) => {
      const cell = event.target.closest('[data-offset]');
      if (cell) this.move(Number(cell.dataset.offset));
    });
    place.append(element('div', {class: 'bar'}, this.goto,
      element('button', {type: 'button', onclick: () => this.scroll(-1)}, 'Previous'),
      element('button', {type: 'button', onclick: () => this.scroll(1)}, 'Next')),
      this.what, element('div', {class: 'scroll'}, this.table));
  }

  get perRow() { return this.narrow.matches ? 8 : 16; }
  get rowCount() { return 24; }

  open(inspection, {offset, size, what}) {
    this.inspection = inspection;
    this.show(offset, size, what);
  }

  show(offset, size, what) {
    this.selected = {offset, size};
    this.caret = offset;
    this.first = Math.max(0, Math.floor(offset / this.perRow) - 2) * this.perRow;
    this.half = false;
    this.what.textContent = `${what}: ${plural(size, 'byte')} at offset ${hex(offset)}. Arrow keys move, hexadecimal digits change a byte.`;
    this.render();
  }

  // The same for a user who asked for it: on a small screen the bytes are far from what was clicked.
  reveal(offset, size, what) {
    this.show(offset, size, what);
    const {top, bottom} = this.place.getBoundingClientRect();
    if (bottom < 0 || top > innerHeight) this.place.scrollIntoView({block: 'start'});
  }

  scroll(pages) {
    const step = this.perRow * this.rowCount;
    const last = Math.max(0, Math.ceil(this.inspection.size / this.perRow) * this.perRow - step);
    this.first = Math.min(last, Math.max(0, this.first + pages * step));
    this.caret = Math.min(this.inspection.size - 1, Math.max(this.caret, this.first));
    if (this.caret >= this.first + step) this.caret = this.first;
    this.render();
  }

  render() {
    const {size} = this.inspection;
    const per = this.perRow;
    this.first = Math.floor(this.first / per) * per;
    const rows = [];
    for (let at = this.first; at < size && rows.length < this.rowCount; at += per) {
      const bytes = this.inspection.bytes(at, Math.min(per, size - at));
      const cells = Array.from(bytes, (byte, i) => this.cell(at + i, byte));
      const text = Array.from(bytes, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join('');
      rows.push(element('tr', {}, element('th', {scope: 'row'}, at.toString(16).padStart(8, '0')), ...cells,
        ...Array.from({length: per - bytes.length}, () => element('td', {})), element('td', {class: 'text'}, text)));
    }
    this.rows.replaceChildren(...rows);
  }

  cell(offset, byte) {
    const {offset: from, size} = this.selected;
    const classes = [offset >= from && offset < from + size ? 'selected' : '', byte === 0 ? 'zero' : ''].join(' ').trim();
    return element('td', {class: classes || null, id: `byte-${offset}`, 'data-offset': offset,
                          'aria-selected': String(offset >= from && offset < from + size),
                          tabindex: offset === this.caret ? '0' : '-1'}, byte.toString(16).padStart(2, '0'));
  }

  move(offset) {
    this.half = false;
    this.caret = Math.min(this.inspection.size - 1, Math.max(0, offset));
    const page = this.perRow * this.rowCount;
    if (this.caret < this.first) this.first = Math.floor(this.caret / this.perRow) * this.perRow;
    if (this.caret >= this.first + page) this.first = (Math.floor(this.caret / this.perRow) + 1) * this.perRow - page;
    this.render();
    document.getElementById(`byte-${this.caret}`)?.focus();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const per = this.perRow;
    const step = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: per, ArrowUp: -per, PageDown: per * this.rowCount,
                  PageUp: -per * this.rowCount}[event.key];
    if (step !== undefined) {
      event.preventDefault();
      this.move(this.caret + step);
    } else if (/^[0-9a-f]$/i.test(event.key)) {
      event.preventDefault();
      this.type(parseInt(event.key, 16));
    }
  }

  // Two digits make a byte, the high one first.
  type(digit) {
    const byte = this.inspection.bytes(this.caret, 1);
    const second = this.half;
    view.change(() => { byte[0] = second ? (byte[0] & 0xf0) | digit : (byte[0] & 0x0f) | (digit << 4); });
    this.half = !second;
    if (second)
      this.move(this.caret + 1);
    else
      document.getElementById(`byte-${this.caret}`)?.focus();
  }
}
