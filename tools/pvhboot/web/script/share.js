// SPDX-License-Identifier: BSL-1.0
//
// A link holds the parts of a file that its document comes from, and never the rest: "#1" and, in base64url, what
// deflate makes of these numbers, each in 7 bits a byte: size of the file, base, 0 or 1 + address of start_info, bytes
// of the name, number of parts; the distance of each part from the end of the one before, and its size. Then the
// characters of the name and the bytes of the parts.

const linkLimit = 8192;          // characters of the fragment
const linkBytes = 1024 * 1024;   // that a link may unpack to
const linkVersion = '1';

async function piped(bytes, stream, most) {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const parts = [];
  let size = 0;
  for (;;) {
    const {done, value} = await reader.read();
    if (done) break;
    size += value.length;
    if (size > most) {
      await reader.cancel();
      throw new Problem('This link unpacks to more than a link can hold.');
    }
    parts.push(value);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function putNumber(list, number) {
  let n = BigInt(number);
  for (; n >= 0x80n; n >>= 7n) list.push(Number(n & 0x7fn) | 0x80);
  list.push(Number(n));
}

class LinkReader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }
  number() {
    let n = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.take(1)[0];
      n |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return n;
    }
    throw new Problem('This link is damaged: a number in it does not end.');
  }
  small(most, what) {
    const n = this.number();
    if (n > BigInt(most)) throw new Problem(`This link is damaged: its ${what} is out of range.`);
    return Number(n);
  }
  take(n) {
    if (n > this.bytes.length - this.at) throw new Problem('This link is damaged: it ends early.');
    this.at += n;
    return this.bytes.subarray(this.at - n, this.at);
  }
}

async function packed(inspection) {
  const name = new TextEncoder().encode(inspection.name.slice(0, 100));
  const parts = inspection.structures();
  const {base, startInfo} = inspection.options;
  const head = [];
  for (const n of [inspection.size, base ?? 0n, startInfo === null ? 0n : startInfo + 1n, name.length, parts.length])
    putNumber(head, n);
  let end = 0;
  for (const {offset, size} of parts) {
    putNumber(head, offset - end);
    putNumber(head, size);
    end = offset + size;
  }
  const whole = new Blob([new Uint8Array(head), name, ...parts.map((p) => inspection.bytes(p.offset, p.size).slice())]);
  if (whole.size > linkBytes) return null;
  const small = await piped(await whole.arrayBuffer(), new CompressionStream('deflate-raw'), linkBytes);
  let text = '';
  for (const byte of small) text += String.fromCharCode(byte);
  return linkVersion + btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

// The fragment, without "#". It is opened once to be sure that it shows the same.
async function fragmentOf(inspection) {
  const fragment = await packed(inspection);
  if (fragment === null || fragment.length > linkLimit)
    throw new Problem('The structures of this file do not fit into a link of 8 KiB.');
  const again = await opened(fragment);
  if (again.text !== inspection.text)
    throw new Problem('This file cannot be shared: its document depends on bytes that a link does not hold.');
  return fragment;
}

async function opened(fragment) {
  if (fragment.length > linkLimit) throw new Problem('This link is longer than 8 KiB.');
  if (fragment[0] !== linkVersion) throw new Problem('This link is of another version of the page.');
  if (!/^[\w-]*$/.test(fragment)) throw new Problem('This link is damaged: it has characters that no link has.');
  let bytes;
  try {
    const text = atob(fragment.slice(1).replaceAll('-', '+').replaceAll('_', '/'));
    bytes = await piped(Uint8Array.from(text, (c) => c.charCodeAt(0)), new DecompressionStream('deflate-raw'), linkBytes);
  } catch (why) {
    throw why instanceof Problem ? why : new Problem('This link is damaged: it cannot be unpacked.');
  }
  const link = new LinkReader(bytes);
  const size = link.small(limit, 'size');
  const base = BigInt.asUintN(64, link.number());
  const start = link.number();
  const nameSize = link.small(400, 'name');
  const count = link.small(linkBytes, 'number of parts');
  const parts = [];
  let end = 0;
  for (let i = 0; i < count; ++i) {
    const offset = end + link.small(size - end, 'offset');
    const length = link.small(size - offset, 'part');
    parts.push({offset, length});
    end = offset + length;
  }
  const name = new TextDecoder().decode(link.take(nameSize));
  const options = {base, startInfo: start === 0n ? null : BigInt.asUintN(64, start - 1n)};
  return Inspection.of(name || 'a file', size, options, async (put) => {
    for (const {offset, length} of parts) put(offset, link.take(length));
    if (link.at !== link.bytes.length) throw new Problem('This link is damaged: it has bytes at its end.');
  });
}
