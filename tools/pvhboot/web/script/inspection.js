// SPDX-License-Identifier: BSL-1.0
//
// One file in a WebAssembly module of its own: the document, pictures, and changes of bytes.

const limit = 2 ** 30;  // bytes of a file

// An error whose message is a sentence for the user.
class Problem extends Error {}

let compiled = null;
function compiledModule() {
  compiled ??= WebAssembly.compile(Uint8Array.from(atob(wasmText), (c) => c.charCodeAt(0)));
  return compiled;
}

class Inspection {
  // `options` has base and startInfo, BigInt or null. `fill` writes the file into the bytes that it is given.
  static async of(name, size, options, fill) {
    if (size > limit)
      throw new Problem(`${name} has ${sizeText(size)}, and this page reads files up to ${sizeText(limit)}: ` +
                        'use the program pvhboot, which reads files of any size.');
    const made = new Inspection(await WebAssembly.instantiate(await compiledModule()), name, size, options);
    await fill((at, bytes) => made.bytes(at, bytes.length).set(bytes));
    made.inspect();
    return made;
  }

  constructor(instance, name, size, options) {
    this.wasm = instance.exports;
    this.name = name;
    this.size = size;
    this.options = options;
    this.at = this.call(() => this.wasm.prepare(size)) >>> 0;
  }

  // The module traps if it has no memory left.
  call(f) {
    try {
      return f();
    } catch {
      throw new Problem(`${this.name} needs more memory than a page can have: use the program pvhboot.`);
    }
  }

  bytes(offset, size) {
    return new Uint8Array(this.wasm.memory.buffer, this.at + offset, size);
  }

  output() {
    const {output, output_size: size, memory} = this.wasm;
    return new TextDecoder().decode(new Uint8Array(memory.buffer, output() >>> 0, size() >>> 0));
  }

  inspect() {
    const {base, startInfo} = this.options;
    const done = this.call(() => this.wasm.inspect(base ?? 0n, startInfo !== null ? 1 : 0, startInfo ?? 0n));
    this.text = this.output();
    if (!done) throw new Problem(`${this.name}: ${this.text}.`);
    this.document = parseDocument(this.text);
    this.document.file = this.name;
  }

  // Writes a number of so many bytes, the lowest first.
  setNumber(offset, size, number) {
    const to = this.bytes(offset, size);
    for (let i = 0; i < size; ++i) to[i] = Number((number >> BigInt(8 * i)) & 0xffn);
  }

  // Where guest memory lies in the file, or null.
  offsetOf(address, size) {
    const at = this.wasm.offset_of(BigInt(address), BigInt(size));
    return at < 0n ? null : Number(at);
  }

  // The parts of the file that the document comes from.
  structures() {
    const count = this.call(() => this.wasm.structures());
    const table = new Uint32Array(this.wasm.memory.buffer, this.wasm.structure_table() >>> 0, 2 * count);
    return Array.from({length: count}, (_, i) => ({offset: table[2 * i], size: table[2 * i + 1]}));
  }

  // The SVG text of marks {address, size, type, label}.
  draw(marks, width) {
    this.wasm.clear_marks();
    for (const mark of marks) {
      const label = new TextEncoder().encode(mark.label);
      const at = this.wasm.label_room(label.length) >>> 0;
      new Uint8Array(this.wasm.memory.buffer, at, label.length).set(label);
      this.wasm.add_mark(BigInt(mark.address), BigInt(mark.size), mark.type);
    }
    this.call(() => this.wasm.draw(width));
    return this.output();
  }
}
