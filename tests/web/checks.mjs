// SPDX-License-Identifier: BSL-1.0
//
// Drives the page as a user does. The plan has the files, and the documents that the program has of them.
import {readFileSync, readdirSync} from 'node:fs';
import {createServer} from 'node:http';
import {pathToFileURL} from 'node:url';
import {deflateRawSync} from 'node:zlib';
import {chromium} from 'playwright-core';
import {accessible, check, count, end, equal, group} from './browser.mjs';

const plan = JSON.parse(readFileSync(process.argv[2], 'utf8'), (_, v, context) =>
  typeof v === 'number' && !Number.isSafeInteger(v) ? BigInt(context?.source ?? v) : v);
const patience = 20000;  // ms

const file = (name) => plan.files.find((f) => f.name === name);
const ofKind = (...kinds) => plan.files.filter((f) => kinds.includes(f.kind));

const hex = (n) => `0x${n.toString(16)}`;

// A page with a record of what must not happen.
class Tab {
  static async open(browser, url, options = {}) {
    const tab = new Tab();
    tab.context = await browser.newContext({viewport: {width: 1360, height: 900}, ...options});
    tab.page = await tab.context.newPage();
    tab.page.setDefaultTimeout(patience);
    tab.said = [];
    tab.requests = [];
    tab.page.on('console', (m) => tab.said.push(`${m.type()}: ${m.text()}`));
    tab.page.on('pageerror', (e) => tab.said.push(`error: ${e.message}`));
    tab.page.on('request', (r) => tab.requests.push(r.url().slice(0, 100)));
    await tab.page.addInitScript(() => addEventListener('securitypolicyviolation', (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`)));
    await tab.page.goto(url);
    await tab.page.waitForSelector('body.ready');
    return tab;
  }
  // Waits for the end of what a file or link began.
  async settled() {
    const end = Date.now() + patience;  // waitForFunction evaluates text, which the policy forbids
    while (Date.now() < end) {
      const status = await this.page.textContent('#status');
      if (status !== '' && status !== 'Reading…') return status;
      await new Promise((done) => setTimeout(done, 5));
    }
    throw new Error('the page did not end what it began');
  }
  async give(path) {
    await this.page.evaluate(() => { document.getElementById('status').textContent = ''; });
    await this.page.setInputFiles('#file', path);
    return this.settled();
  }
  async link(fragment) {
    await this.page.evaluate((f) => {
      document.getElementById('status').textContent = '';
      if (location.hash === `#${f}`) dispatchEvent(new HashChangeEvent('hashchange'));
      location.hash = f;
    }, fragment);
    return this.settled();
  }
  async share() {
    await this.page.evaluate(() => { document.getElementById('status').textContent = ''; });
    await this.page.click('#share');
    const status = await this.settled();
    return {status, fragment: await this.page.isHidden('#link') ? null : (await this.page.inputValue('#url')).split('#')[1]};
  }
  verdicts() {
    return this.page.$$eval('section[aria-labelledby="section-verdicts"] tbody tr', (rows) =>
      rows.map((row) => [...row.children].map((cell) => cell.textContent)));
  }
  findings() {
    return this.page.$$eval('.findings strong', (list) => list.map((e) => e.textContent));
  }
  results() {
    return this.page.$eval('#results', (e) => e.innerText + [...e.querySelectorAll('input')].map((i) => i.value).join());
  }
  async shot(name) {
    await this.page.screenshot({path: `${plan.artefacts}/${name}.png`, fullPage: true});
  }
  accessible(what) {
    return accessible(this.page, what);
  }
  async close(what) {
    equal(`${what}: no console message, error or policy violation`, this.said, []);
    equal(`${what}: no request but for the page`, this.requests.length, 1);
    await this.context.close();
  }
}

function expectedVerdicts(verdicts) {
  return verdicts.map((v) => [v.name, v.boots ? 'boots' : 'no', v.entry ? `${v.outcome} at ${hex(v.entry)}` : v.outcome, v.message,
                              v.boots ? '' : v.remedy]);
}

const partOf = (doc) => doc.kernel ?? doc.bzimage;

async function dropChecks(tab) {
  await tab.page.evaluate(([name, bytes]) => {
    document.getElementById('status').textContent = '';
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], name));
    dispatchEvent(new DragEvent('drop', {dataTransfer: data, cancelable: true}));
  }, ['dropped', [...readFileSync(file('section-64').path)]]);
  check('a dropped file', (await tab.settled()).startsWith('dropped: ELF kernel'));
  equal('its verdicts', await tab.verdicts(), expectedVerdicts(file('section-64').document.kernel.verdicts));
}

// Base and start_info of a raw dump are given by hand.
async function optionChecks(tab) {
  await tab.page.click('summary');
  const set = async (id, text) => {
    await tab.page.evaluate(() => { document.getElementById('status').textContent = ''; });
    await tab.page.fill(id, text);
    await tab.page.press(id, 'Enter');
    return tab.settled();
  };
  await tab.give(file('raw').path);
  equal('a raw dump at 0', await tab.page.locator('h2', {hasText: 'start_info at 0x40'}).count(), 1);
  await set('#base', '0x100000');
  equal('a raw dump at 1 MiB', await tab.page.locator('h2', {hasText: 'start_info at 0x100040'}).count(), 1);
  const {fragment} = await tab.share();
  await set('#start-info', '0x100044');
  check('another start_info', (await tab.results()).includes('start_info at 0x100044'));
  check('what is no number', (await set('#base', 'twelve')) === '"twelve" is no base address.');
  check('a base that wraps', (await set('#base', '0xffffffffffffffff')).includes('above 2^64'));
  await set('#base', '');
  await set('#start-info', '');
  await tab.link(fragment);
  equal('a link has the base', await tab.page.locator('h2', {hasText: 'start_info at 0x100040'}).count(), 1);
  await tab.page.click('summary');
  group('options');
}

// The module without a browser: every document is the program's, and that of its structures alone is the same.
function moduleChecks() {
  const compiled = new WebAssembly.Module(readFileSync(plan.module));
  equal('the module imports nothing', WebAssembly.Module.imports(compiled), []);
  const inspected = (bytes) => {
    const wasm = new WebAssembly.Instance(compiled).exports;
    const at = wasm.prepare(bytes.length) >>> 0;
    new Uint8Array(wasm.memory.buffer, at, bytes.length).set(bytes);
    const done = wasm.inspect(0n, 0, 0n);
    return {wasm, done, text: Buffer.from(wasm.memory.buffer, wasm.output() >>> 0, wasm.output_size()).toString()};
  };
  const sorted = (text) => JSON.stringify(JSON.parse(text), (key, v) => key === 'file' ? '' :
    v && typeof v === 'object' && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort()) : v);
  for (const f of plan.files) {
    if (f.kind === 'too-large' || f.kind === 'large') continue;
    const bytes = readFileSync(f.path);
    const {wasm, done, text} = inspected(bytes);
    if (!done) {
      equal(`${f.name}: refused by both with one sentence`, f.refused?.endsWith(text), true);
      continue;
    }
    const known = JSON.stringify(f.document, (_, v) => typeof v === 'bigint' ? Number(v) : v);
    check(`${f.name}: the module's document is the program's`, sorted(text) === sorted(known));
    const count = wasm.structures();
    const table = new Uint32Array(wasm.memory.buffer, wasm.structure_table() >>> 0, 2 * count);
    const parts = Buffer.alloc(bytes.length);
    for (let i = 0; i < table.length; i += 2) bytes.copy(parts, table[i], table[i], table[i] + table[i + 1]);
    check(`${f.name}: the same document of its structures`, inspected(parts).text === text);
  }
  group('documents of the module and the program');
}

async function imageChecks(tab) {
  for (const f of ofKind('image', 'bzImage', 'vmlinux')) {
    const status = await tab.give(f.path);
    const part = partOf(f.document);
    if (!part) continue;
    check(`${f.name}: the status names its kind`, status.includes(f.document.kind), status);
    equal(`${f.name}: verdicts`, await tab.verdicts(), expectedVerdicts(part.verdicts));
    if (f.confirmed) equal(`${f.name}: as QEMU and Xen confirm`, part.verdicts.map((v) => [v.outcome, v.entry, v.reason]), f.confirmed);
    if (!part.notes) continue;
    equal(`${f.name}: notes`, await tab.page.locator('section[aria-labelledby="section-notes"] tbody tr').count(), part.notes.length);
    if (part.notes.length && part.notes[0].descriptor) {
      await tab.page.locator('section[aria-labelledby="section-notes"] tbody tr').first().locator('td button').click();
      const shown = await tab.page.$$eval('#hex .selected', (cells) => cells.map((c) => c.textContent).join(''));
      check(`${f.name}: the bytes of a note are marked`, part.notes[0].descriptor.startsWith(shown) && shown !== '', shown);
    }
  }
  group('verdicts on the page');
}

const titlesOf = (text) => [...text.matchAll(/<g class="mark"[^>]*><title>(.*?)<\/title>/g)].map((m) => m[1]);

async function captureChecks(tab) {
  for (const f of ofKind('capture')) {
    await tab.give(f.path);
    const h = f.document.memory.handoffs[0];
    equal(`${f.name}: findings`, await tab.findings(), h.findings.map((x) => x.message));
    equal(`${f.name}: fields`, await tab.page.$$eval('section[aria-labelledby^="section-start-info"] tbody td:nth-child(3)',
      (list) => list.map((cell) => cell.querySelector('input')?.value ?? cell.textContent)), h.fields.map((x) => hex(x.value)));
    const marks = await tab.page.$$eval('.mark', (list) => list.map((m) => m.getAttribute('aria-label')));
    equal(`${f.name}: the picture of the documents`, marks, titlesOf(readFileSync(`${plan.pictures}/${f.name}.svg`, 'utf8')));
    const {status, fragment} = await tab.share();
    check(`${f.name}: a link`, fragment !== null && fragment.length < 8192, status);
  }
  for (const f of ofKind('zero page', 'chain')) {
    await tab.give(f.path);
    check(`${f.name}: the map`, (await tab.page.locator('.mark').count()) > 0);
    const nodes = await tab.page.locator('section[aria-labelledby^="section-setup-data"] tbody tr').count();
    equal(`${f.name}: setup_data`, nodes, f.kind === 'chain' ? f.document.memory.zero_pages[0].setup_data.length : 0);
  }
  group('captures');
}

async function brokenChecks(tab) {
  for (const f of ofKind('broken')) {
    const status = await tab.give(f.path);
    const sentence = f.refused ? f.refused.replace(/^[^:]*: /, '') : '';
    check(`${f.name}: one sentence`, status.includes(sentence) && /[.]$/.test(status) && !status.includes('\n'), status);
  }
  const began = Date.now();
  const status = await tab.give(file('large').path);
  check('200 MiB: its start_info is found', status.includes('1 start_info'), status);
  console.log(`       200 MiB in ${Date.now() - began} ms`);
  const refused = await tab.give(file('too-large').path);
  check('1.1 GiB: the program is named', refused.includes('the program pvhboot') && refused.includes('1.1 GiB'), refused);
  group('broken and large files');
}

async function editChecks(tab) {
  for (const e of plan.edits) {
    await tab.give(file(e.file).path);
    if (e.field) {
      await tab.page.getByLabel(`Value of ${e.field}`, {exact: true}).fill(e.value);
      const handoff = e.handoffs[0];
      const wanted = handoff ? handoff.error ? handoff.error.message : handoff.findings.map((x) => x.message).join() : 'Neither a start_info';
      const shown = !handoff || handoff.error ? await tab.results() : (await tab.findings()).join();
      check(`${e.field} = ${e.value}: what is shown changes as the program says`, handoff && !handoff.error ? shown === wanted : shown.includes(wanted), [shown, wanted]);
    } else {
      await tab.page.fill('#hex-goto', hex(e.byte));
      await tab.page.press('#hex-goto', 'Enter');
      await tab.page.focus(`#byte-${e.byte}`);
      await tab.page.keyboard.type(e.digits);
      equal('a byte of a note: the verdicts change', await tab.verdicts(), expectedVerdicts(e.verdicts));
      equal('a byte of a note: the focus is on the next', await tab.page.evaluate(() => document.activeElement.id), `byte-${e.byte + 1}`);
    }
  }
  await tab.give(file('qemu_q35').path);
  const known = await tab.findings();
  const input = tab.page.getByLabel('Value of flags', {exact: true});
  await input.fill('0x1ffffffff');
  equal('a number that is too large is marked', [await input.getAttribute('aria-invalid'), await tab.findings()], ['true', known]);
  group('edits');
}

async function shareChecks(tab) {
  for (const f of [file('usual-64'), file('section-64'), file('qemu_q35'), file('zero.page'), file('chain'), ...ofKind('bzImage', 'vmlinux')]) {
    await tab.give(f.path);
    const shown = await tab.results();
    const {status, fragment} = await tab.share();
    check(`${f.name}: a link of at most 8 KiB`, fragment !== null && fragment.length <= 8192, status);
    if (fragment === null) continue;
    await tab.give(file('text').path);
    await tab.link(fragment);
    equal(`${f.name}: the link shows the same`, await tab.results(), shown);
    check(`${f.name}: the link holds no code`, fragment.length < 8192 && (f.kind !== 'vmlinux' || fragment.length < 8000));
  }
  await tab.give(file('qemu_q35').path);
  await tab.page.getByLabel('Value of flags', {exact: true}).fill('0x5');
  const {fragment} = await tab.share();
  await tab.link(fragment);
  equal('an edit is in the link', await tab.page.getByLabel('Value of flags', {exact: true}).inputValue(), '0x5');
  group('links');
}

// A fragment of numbers and bytes, as share.js describes it.
function fragment(numbers, ...bytes) {
  const out = [];
  for (let n of numbers.map(BigInt)) {
    for (; n >= 128n; n >>= 7n) out.push(Number(n & 127n) | 128);
    out.push(Number(n));
  }
  return `1${deflateRawSync(Buffer.concat([Buffer.from(out), ...bytes])).toString('base64url')}`;
}

async function hostileChecks(tab) {
  await tab.give(file('qemu_q35').path);
  const {fragment: valid} = await tab.share();
  const ends = 'ends early', unpacked = 'cannot be unpacked', version = 'another version';
  const range = (what) => `its ${what} is out of range`;
  const cases = [['1', unpacked], ['1A', unpacked], ['0', version], ['2abcd', version], ['1%00%ff', 'no link has'], ['1<script>alert(1)</script>', 'no link has'],
    [`1${'A'.repeat(9000)}`, 'longer than 8 KiB'], [`1${'A'.repeat(8000)}`, unpacked], ['1_____-----', unpacked],
    [`1${deflateRawSync(Buffer.alloc(5 * 2 ** 20)).toString('base64url')}`, 'unpacks to more'],
    [fragment([]), ends], [fragment([16]), ends], [fragment([2 ** 40, 0, 0, 0, 0]), range('size')], [fragment([2 ** 30 + 1, 0, 0, 0, 0]), range('size')],
    [fragment([16, 2n ** 71n, 0, 0, 0]), 'does not end'], [fragment([16, 0, 0, 401, 0]), range('name')], [fragment([16, 0, 0, 0, 9]), ends],
    [fragment([16, 0, 0, 0, 1, 17, 1], Buffer.from('x')), range('offset')], [fragment([16, 0, 0, 0, 1, 8, 9], Buffer.from('123456789')), range('part')],
    [fragment([16, 0, 0, 0, 2, 0, 9, 8, 1], Buffer.from('1234567890')), range('offset')],
    [fragment([16, 0, 0, 0, 1, 8, 8], Buffer.from('1234')), ends], [fragment([16, 0, 0, 0, 1, 8, 4], Buffer.from('12345')), 'bytes at its end'],
    [fragment([16, 2n ** 64n - 1n, 0, 0, 0]), 'above 2^64'], [fragment([16, 0, 2n ** 64n, 0, 0]), 'a file: memory'],
    [fragment([2 ** 30, 0, 0, 0, 0]), '0 start_info'], [fragment([4, 0, 0, 23, 0], Buffer.from('<img src=x onerror=a()>')), '<img src=x onerror=a()>: memory']];
  for (const [f, sentence] of cases) {
    const status = await tab.link(f);
    check(`hostile fragment ${f.slice(0, 30)}`, status.includes(sentence) && !status.includes('\n'), [status, sentence]);
  }
  // Damage in a valid link, from a fixed seed.
  let seed = 12345;
  const random = (n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  for (let i = 0; i < 150; ++i) {
    const at = 1 + random(valid.length - 1);
    const damaged = i % 3 === 0 ? valid.slice(0, at) : valid.slice(0, at) + letters[random(64)] + valid.slice(at + 1);
    const status = await tab.link(damaged);
    check(`damaged link ${i}`, status.length > 8 && !status.includes('cannot be shown'), status);
  }
  await tab.give(file('qemu_q35').path);
  equal('the page still works', (await tab.findings()).length, file('qemu_q35').document.memory.handoffs[0].findings.length);
  group('hostile links');
}

async function keyboardChecks(tab) {
  const {page} = tab;
  const until = async (selector) => {
    for (let i = 0; i < 300; ++i) {
      await page.keyboard.press('Tab');
      if (await page.evaluate((s) => document.activeElement.matches(s), selector)) return true;
    }
    return false;
  };
  await page.reload();
  tab.requests.length = 1;
  await page.waitForSelector('body.ready');
  check('keyboard: the file input', await until('#file'));
  check('keyboard: the options', await until('summary'));
  await tab.give(file('qemu_q35').path);
  check('keyboard: share', await until('#share'));
  check('keyboard: the map', await until('.mark'));
  const first = await page.evaluate(() => document.activeElement.getAttribute('aria-label'));
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  const {selected, focused, detail} = await page.evaluate(() => ({selected: document.querySelector('.mark[aria-selected="true"]').getAttribute('aria-label'),
    focused: document.activeElement.getAttribute('aria-label'), detail: document.querySelector('.detail').textContent}));
  check('keyboard: arrows move in the map', selected === focused && selected !== first && detail.startsWith(selected), [first, selected, focused, detail]);
  await page.keyboard.press('End');
  check('keyboard: End', await page.evaluate(() => document.activeElement === [...document.querySelectorAll('.mark')].at(-1)));
  check('keyboard: a field', await until('input.value[id^="field-"]'));
  check('keyboard: the bytes', await until('#hex [data-offset]'));
  const at = await page.evaluate(() => Number(document.activeElement.dataset.offset));
  await page.keyboard.press('ArrowDown');
  equal('keyboard: arrows move in the bytes', await page.evaluate(() => Number(document.activeElement.dataset.offset)), at + 16);
  check('keyboard: the focus can be seen', await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle !== 'none'));
  group('keyboard');
}

async function looks(browser, url) {
  for (const [theme, width] of [['light', 1360], ['dark', 1360], ['light', 375], ['dark', 375]]) {
    const tab = await Tab.open(browser, url, {colorScheme: theme, viewport: {width, height: 900}});
    const name = `${theme}-${width}`;
    await tab.shot(`${name}-start`);
    await tab.accessible(`${name}: start`);
    for (const f of [file('section-64'), file('qemu_q35'), file('chain'), ...ofKind('bzImage')]) {
      await tab.give(f.path);
      if (f.name === 'section-64') await tab.share();
      await tab.shot(`${name}-${f.kind === 'bzImage' ? 'bzimage' : f.name}`);
      if (name === 'light-1360' || ['section-64', 'qemu_q35'].includes(f.name)) await tab.accessible(`${name}: ${f.name}`);  // it is slow
      check(`${name}: ${f.name} fits the width`, await tab.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    }
    const ground = await tab.page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
    check(`${name}: the theme`, (ground[0] > 128) === (theme === 'light'), ground);
    await tab.close(name);
  }
  group('looks');
}

async function httpChecks(browser) {
  let served = [];
  const server = createServer((request, response) => {
    served.push(request.url);
    response.setHeader('content-type', 'text/html').end(readFileSync(plan.page));
  }).listen(0, '127.0.0.1');
  await new Promise((done) => server.on('listening', done));
  const tab = await Tab.open(browser, `http://127.0.0.1:${server.address().port}/pvhboot.html`);
  await tab.give(file('usual-64').path);
  equal('http: verdicts', (await tab.verdicts()).length, 7);
  await tab.page.evaluate(() => fetch('/other').catch(() => {}));
  check('http: the policy forbids a request', tab.said.some((text) => text.includes('connect-src')), tab.said);
  equal('http: the server saw one request', served, ['/pvhboot.html']);
  tab.said = [];
  tab.requests.length = 1;  // the forbidden one is not sent
  await tab.close('http');
  server.close();
  group('http');
}

async function main() {
  moduleChecks();
  const browser = await chromium.launch({executablePath: plan.chromium, args: ['--no-sandbox']});
  try {
    const url = pathToFileURL(plan.page).href;
    const tab = await Tab.open(browser, url);
    console.log(`       interactive after ${Math.round(await tab.page.evaluate(() => performance.now()))} ms`);
    const policy = await tab.page.$eval('meta[http-equiv="Content-Security-Policy"]', (m) => m.content);
    for (const rule of ["default-src 'none'", "connect-src 'none'", "form-action 'none'", "base-uri 'none'", "script-src 'sha256-", "style-src 'sha256-"])
      check(`the policy has ${rule}`, policy.includes(rule), policy);
    check('the policy has nothing unsafe', !policy.replace("'wasm-unsafe-eval'", '').includes('unsafe'), policy);
    check('the page says that nothing leaves the browser', (await tab.page.textContent('.privacy')).startsWith('Nothing leaves this browser'));
    const groups = {images: () => imageChecks(tab), captures: () => captureChecks(tab), drop: () => dropChecks(tab), broken: () => brokenChecks(tab),
                    options: () => optionChecks(tab), edits: () => editChecks(tab), links: () => shareChecks(tab),
                    hostile: () => hostileChecks(tab), keyboard: () => keyboardChecks(tab)};
    const chosen = (name) => plan.only.length === 0 || plan.only.includes(name);
    for (const [name, run] of Object.entries(groups)) if (chosen(name)) await run();
    await tab.close('file://');
    if (chosen('looks')) await looks(browser, url);
    if (chosen('http')) await httpChecks(browser);
  } finally {
    await browser.close();
  }
}

await main().catch((why) => {
  ++count.failed;
  console.log(`NOT OK ${why.stack}`);
});
console.log(`screenshots: ${readdirSync(plan.artefacts).filter((name) => name.endsWith('.png')).length} in the folder of artefacts`);
end();
