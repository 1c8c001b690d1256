// SPDX-License-Identifier: BSL-1.0
//
// The text of a document as a value. Numbers that a double cannot hold become BigInt.
function parseDocument(text) {
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|\d{16,}/g, (token) => (token[0] === '"' ? token : `{"\\u0000":"${token}"}`));
  return JSON.parse(marked, (_, value) =>
    value && typeof value === 'object' && '\0' in value ? BigInt(value['\0']) : value);
}

const hex = (number) => `0x${number.toString(16)}`;
const plural = (n, word) => `${n} ${word}${Number(n) === 1 ? '' : 's'}`;

function sizeText(size) {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let n = Number(size), unit = 0;
  while (n >= 1024 && unit + 1 < units.length) {
    n /= 1024;
    ++unit;
  }
  return `${unit === 0 ? n : n.toFixed(n < 10 ? 1 : 0)} ${units[unit]}`;
}

// A text of the guest: a string, {"hex"} if it is no UTF-8, {"error"} if it cannot be read, or null.
function guestText(value) {
  if (value === null) return 'absent';
  if (typeof value === 'string') return value === '' ? 'empty' : value;
  return value.hex !== undefined ? `bytes ${value.hex}` : value.error.message;
}

// "12" or "0x1f" as a BigInt; null if it is neither.
function parseNumber(text) {
  const word = text.trim();
  return /^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(word) ? BigInt(word) : null;
}
