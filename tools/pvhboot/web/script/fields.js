// SPDX-License-Identifier: BSL-1.0
//
// Fields of a structure. A number can be changed; every change gives a new document.

// place(field): where it is in the file, or null if it is not there.
function fieldTable(caption, fields, place) {
  return table(caption, ['Field', 'Offset', 'Value', 'Meaning'], fields.map((f) => {
    const at = place(f);
    return [
      code(f.name),
      at === null ? hex(f.offset) : bytesButton(hex(f.offset), at, f.size, f.name),
      typeof f.value === 'string' ? code(shortened(f.value)) : at === null ? code(hex(f.value)) : fieldInput(f, at),
      f.meaning,
    ];
  }));
}

// Digits of many bytes; the hex view shows all.
function shortened(digits) {
  const most = 32;
  return digits.length <= most ? digits : `${digits.slice(0, most)}… ${digits.length / 2} bytes`;
}

function fieldInput(f, at) {
  const input = element('input', {
    id: `field-${at}`, class: 'value', value: hex(f.value), 'aria-label': `Value of ${f.name}`, autocomplete: 'off',
    spellcheck: 'false', size: 2 * f.size + 2,
  });
  input.addEventListener('input', () => {
    const number = parseNumber(input.value);
    const fits = number !== null && number < 1n << BigInt(8 * f.size);
    input.setAttribute('aria-invalid', String(!fits));
    if (fits) view.change(() => view.inspection.setNumber(at, f.size, number));
  });
  return input;
}
