// SPDX-License-Identifier: BSL-1.0
//
// Elements of the page. Text never becomes markup.

// element('td', {class: 'number'}, 'text', anotherElement)
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on'))
      made.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null)
      made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

const code = (text) => element('code', {}, text);

const mostRows = 512;

// A table with a caption for screen readers, column headers, and the first cell of each row as its header.
function table(caption, heads, rows) {
  const shown = rows.slice(0, mostRows);
  const body = element('tbody', {}, ...shown.map((cells) => element('tr', {}, ...cells.map((cell, i) =>
    element(i === 0 ? 'th' : 'td', i === 0 ? {scope: 'row'} : {'data-head': heads[i]}, cell)))));
  return element('div', {class: 'scroll', tabindex: '0', role: 'group', 'aria-label': caption},
    element('table', {class: heads.length <= 3 ? 'few' : null},
      element('caption', {class: 'unseen'}, caption),
      element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', {scope: 'col'}, head)))),
      body),
    rows.length > mostRows ? element('p', {class: 'faint'}, `The first ${mostRows} of ${rows.length} are shown.`) : null);
}

function section(title, ...children) {
  const id = `section-${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`;
  return element('section', {'aria-labelledby': id}, element('h2', {id}, title), ...children);
}

const longFacts = ['Command line', 'Linux'];

// Names and values.
function facts(rows) {
  return element('dl', {}, ...rows.filter((row) => row !== null).map(([name, value]) =>
    element('div', {class: longFacts.includes(name) ? 'long' : null}, element('dt', {}, name), element('dd', {}, value))));
}

function failure(error) {
  return element('p', {class: 'failure'}, `${error.message} (${error.place} ${hex(error.where)})`,
    element('span', {class: 'faint'}, ` ${error.source}`));
}

// A button that looks like the number on it, and shows bytes of the file.
function bytesButton(text, offset, size, what) {
  return element('button', {type: 'button', class: 'bytes', id: `bytes-${offset}-${size}`, title: `Show the bytes of ${what}`,
                            onclick: () => view.hex.reveal(offset, size, what)}, text);
}

// The same for guest memory, if the file has it.
function memoryButton(address, size, what) {
  const offset = BigInt(size) === 0n ? null : view.inspection.offsetOf(address, size);
  return offset === null ? code(hex(address)) : bytesButton(hex(address), offset, Number(size), what);
}
