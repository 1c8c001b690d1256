// SPDX-License-Identifier: BSL-1.0
//
// The page: a file or a link comes in, the sections of its document come out.

const at = (id) => document.getElementById(id);
const view = {inspection: null, results: at('results'), hex: null, change: null};

function say(text, isProblem = false) {
  at('status').textContent = text;
  at('status').classList.toggle('failure', isProblem);
}

// One sentence, whatever happened.
function report(why) {
  say(why instanceof Problem ? why.message : `This file cannot be shown: ${why.message}.`, true);
}

function sectionsOf(doc) {
  if (doc.kernel) return kernelSections(doc.kernel);
  if (doc.bzimage) return bzimageSections(doc.bzimage);
  if (doc.zero_page) return zeroPageSections(doc.zero_page, (f) => f.offset);
  return memorySections(doc.memory);
}

function firstBytes(doc) {
  const whole = {offset: 0, size: Math.min(16, doc.size), what: 'the beginning of the file'};
  if (doc.kernel) return bytesOfKernel(doc.kernel);
  const fields = doc.bzimage?.fields;
  if (fields) return {offset: fields[0].offset, size: fields.at(-1).offset + fields.at(-1).size - fields[0].offset, what: 'the setup header'};
  const start = doc.memory?.handoffs[0]?.extents?.find((e) => e.what === 'start_info');
  const offset = start ? view.inspection.offsetOf(start.address, start.size) : null;
  if (offset !== null) return {offset, size: Number(start.size), what: 'start_info'};
  const page = doc.memory?.zero_pages[0];
  return page ? {offset: view.inspection.offsetOf(page.address, 16), size: 16, what: 'the beginning of the zero page'} : whole;
}

function summaryOf(doc) {
  const part = doc.kernel ?? doc.bzimage;
  if (part) return `${plural(part.verdicts.filter((v) => v.boots).length, 'reader')} of ${part.verdicts.length} boot it.`;
  if (doc.zero_page) return doc.zero_page.error ? doc.zero_page.error.message : plural(doc.zero_page.memory_map.length, 'range');
  const {handoffs} = doc.memory;
  const findings = handoffs.reduce((n, h) => n + (h.findings?.length ?? 0), 0);
  return `${plural(handoffs.length, 'start_info')}, ${plural(findings, 'finding')}.`;
}

function render() {
  const doc = view.inspection.document;
  at('name').textContent = doc.file;
  at('kind').textContent = `${doc.kind}, ${sizeText(doc.size)}`;
  document.body.classList.add('opened');  // first: a picture is as wide as its place
  view.results.replaceChildren(...sectionsOf(doc));
}

// Runs an edit, and shows the new document. The focus stays where it is.
view.change = (edit) => {
  const active = document.activeElement;
  const kept = active && {id: active.id, value: active.value, start: active.selectionStart, invalid: active.getAttribute('aria-invalid')};
  edit();
  try {
    view.inspection.inspect();
    render();
    say(`Changed: ${summaryOf(view.inspection.document)}`);
  } catch (why) {
    report(why);
  }
  view.hex.render();
  at('link').hidden = true;
  const again = kept?.id ? at(kept.id) : null;
  if (!again || again === document.activeElement) return;
  again.focus();
  if (kept.value !== undefined && again.tagName === 'INPUT') {
    again.value = kept.value;
    again.setSelectionRange(kept.start, kept.start);
    if (kept.invalid !== null) again.setAttribute('aria-invalid', kept.invalid);
  }
};

let turn = 0;  // what was opened last wins

async function open(make) {
  const mine = ++turn;
  say('Reading…');
  at('link').hidden = true;
  try {
    const made = await make();
    if (mine !== turn) return;
    view.inspection = made;
    render();
    view.hex.open(made, firstBytes(made.document));
    say(`${made.name}: ${made.document.kind}. ${summaryOf(made.document)}`);
  } catch (why) {
    if (mine === turn) report(why);
  }
}

// Base and start_info as they were typed; a Problem if they are no numbers.
function options() {
  const read = (id, what) => {
    const text = at(id).value.trim();
    if (text === '') return null;
    const number = parseNumber(text);
    if (number === null || number >= 1n << 64n) throw new Problem(`"${text}" is no ${what}.`);
    return number;
  };
  return {base: read('base', 'base address'), startInfo: read('start-info', 'address of start_info')};
}

let lastFile = null;

function openFile(file) {
  if (!file) return;
  lastFile = file;
  if (location.hash !== '') history.replaceState(null, '', location.pathname + location.search);
  open(() => Inspection.of(file.name, file.size, options(), async (put) => {
    const reader = file.stream().getReader();
    for (let offset = 0;;) {
      const {done, value} = await reader.read();
      if (done) break;
      put(offset, value);
      offset += value.length;
    }
  }).catch((why) => {
    throw why.name === 'NotReadableError' || why.name === 'NotFoundError' ? new Problem(`${file.name} cannot be read.`) : why;
  }));
}

async function share() {
  try {
    const fragment = await fragmentOf(view.inspection);
    const url = new URL(location.href);
    url.hash = fragment;
    at('link').hidden = false;
    at('url').value = url.href;
    at('url').select();
    say(`The link has ${plural(fragment.length + 1, 'character')} after its address, and holds no more than headers and structures.`);
  } catch (why) {
    report(why);
  }
}

async function copyLink() {
  at('url').select();
  try {
    await navigator.clipboard.writeText(at('url').value);
    say('The link was copied.');
  } catch {
    say('The link is selected: copy it with the keyboard.');
  }
}

function openLink() {
  const fragment = location.hash.slice(1);
  if (fragment !== '') open(() => opened(fragment));
}

function listen() {
  at('file').addEventListener('change', (event) => {
    openFile(event.target.files[0]);
    event.target.value = '';  // the same file can be chosen again
  });
  for (const id of ['base', 'start-info']) at(id).addEventListener('change', () => openFile(lastFile));
  at('share').addEventListener('click', share);
  at('copy').addEventListener('click', copyLink);
  addEventListener('hashchange', openLink);
  addEventListener('dragover', (event) => {
    event.preventDefault();
    document.body.classList.add('over');
  });
  addEventListener('dragleave', (event) => event.relatedTarget === null && document.body.classList.remove('over'));
  addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('over');
    openFile(event.dataTransfer.files[0]);
  });
  let width = innerWidth;
  addEventListener('resize', () => {
    if (innerWidth === width || !view.inspection) return;
    width = innerWidth;
    render();
  });
}

view.hex = new HexView(at('hex'));
listen();
openLink();
compiledModule().then(() => document.body.classList.add('ready'), report);
