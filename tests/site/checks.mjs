// SPDX-License-Identifier: BSL-1.0
//
// Looks at the built site as readers do: from files and from a subfolder of a server, on a desktop and on a phone, in
// both themes.
import {readFileSync, readdirSync, statSync} from 'node:fs';
import {createServer} from 'node:http';
import {extname, join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {chromium} from 'playwright-core';
import {accessible, check, count, end, equal, group} from './browser.mjs';

const plan = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const desktop = {width: 1280, height: 900}, phone = {width: 390, height: 844};
const types = {'.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.png': 'image/png'};
const looked = ['index', 'docs/kernel', 'docs/rules', 'reference/pvh-parse-hpp', 'reference/c-pvhboot-h', 'inspector',
                ...(plan.full ? ['docs/protocol', 'docs/design', 'reference/index', 'reference/abi-setup_header-hpp', 'reference/names',
                                 'tools/pvhboot/README', 'sources/examples-kernel'] : [])];
const small = new Set(['index', 'docs/kernel', 'reference/pvh-parse-hpp']);

// A page with a record of what must not happen.
async function open(browser, base, path, options = {}) {
  const context = await browser.newContext({viewport: desktop, ...options});
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  const wrong = [];
  page.on('console', (m) => { if (m.type() !== 'log') wrong.push(`${m.type()}: ${m.text()}`); });
  page.on('pageerror', (e) => wrong.push(`error: ${e.message}`));
  page.on('requestfailed', (r) => wrong.push(`failed: ${r.url()}`));
  page.on('response', (r) => { if (r.status() >= 400) wrong.push(`${r.status()}: ${r.url()}`); });
  page.on('request', (r) => { if (!r.url().startsWith(base) && !r.url().startsWith('data:')) wrong.push(`elsewhere: ${r.url()}`); });
  await page.goto(base + path);
  const forgive = (what) => wrong.splice(0, wrong.length, ...wrong.filter((text) => !what.test(text)));
  return {page, forgive, close: async (what) => {
    equal(`${what}: no message, no error, and no request to elsewhere`, wrong, []);
    await context.close();
  }};
}

// What reaches past the width of the window, unless a box around it scrolls.
const overflow = (page) => page.evaluate(() => {
  const width = document.documentElement.clientWidth;
  const inBox = (e) => e.tagName !== 'ARTICLE' && (['auto', 'scroll'].includes(getComputedStyle(e).overflowX) || inBox(e.parentElement));
  const wide = [...document.querySelectorAll('article *')].filter((e) => e.getBoundingClientRect().right > width + 1 && !inBox(e.parentElement));
  return wide.slice(0, 3).map((e) => e.outerHTML.slice(0, 120));
});

async function looks(browser, base) {
  for (const [theme, viewport] of [['light', desktop], ['dark', phone], ...(plan.full ? [['dark', desktop], ['light', phone]] : [])]) {
    for (const name of looked) {
      const what = `${name} ${theme} ${viewport.width}`;
      const {page, close} = await open(browser, base, `${name}.html`, {viewport, colorScheme: theme});
      if (name === 'inspector') await page.frameLocator('iframe').locator('body.ready').waitFor();
      equal(`${what}: it fits the width`, await overflow(page), []);
      const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
      check(`${what}: the theme`, (ground[0] > 128) === (theme === 'light'), ground);
      // Furo's overlays are labels outside of every landmark. Pages with a thousand rows take axe a minute: all of them only in --full.
      if (plan.full || small.has(name)) await accessible(page, what, ['region']);
      await page.screenshot({path: `${plan.artefacts}/${name.replaceAll('/', '-')}-${theme}-${viewport.width}.png`});
      await close(what);
    }
  }
  group('looks');
}

// Every page fits a phone; without --full, every fifth. One tab for all: this is what takes long otherwise.
async function everyPage(browser, base) {
  const all = readdirSync(plan.site, {recursive: true}).map(String).filter((name) => name.endsWith('.html') && !name.startsWith('inspector/'));
  const pages = all.sort().filter((_, i) => plan.full || i % 5 === 0);
  const {page, close} = await open(browser, base, 'index.html', {viewport: phone});
  for (const name of pages) {
    await page.goto(base + name, {waitUntil: 'domcontentloaded'});
    equal(`${name} on a phone: it fits the width`, await overflow(page), []);
  }
  await close('every page on a phone');
  group(`${pages.length} pages on a phone`);
}

async function scrolls(browser, base) {
  const {page, close} = await open(browser, base, 'docs/rules.html', {viewport: phone});
  const boxes = await page.$$eval('.table-wrapper', (all) => all.map((e) => [e.scrollWidth > e.clientWidth, getComputedStyle(e).overflowX]));
  check('a wide table scrolls in its box', boxes.some(([wide]) => wide) && boxes.every(([, how]) => how === 'auto'), boxes.slice(0, 4));
  await close('tables');
  group('tables');
}

async function searches(browser, base, how) {
  const {page, forgive, close} = await open(browser, base, 'index.html');
  for (const [words, wanted] of [['parse', 'reference/pvh-parse-hpp.html'], ['memmap_entries', 'reference/abi-start_info-hpp.html'],
                                 ['plan_boot', 'reference/pvh-plan-hpp.html'], ['protocol in practice', 'docs/protocol.html']]) {
    await page.goto(`${base}index.html`);
    await page.fill('.sidebar-search', words);
    await page.press('.sidebar-search', 'Enter');
    await page.waitForFunction(() => /Search finished/.test(document.querySelector('.search-summary')?.textContent ?? ''));
    const found = await page.$$eval('ul.search li > a', (all) => all.map((a) => a.getAttribute('href').replace(/[?#].*/, '')));
    const at = found.indexOf(wanted);
    check(`${how}: a search for ${words} finds ${wanted} among the first ten`, at >= 0 && at < 10, found.slice(0, 12));
  }
  if (how === 'files') {
    await page.screenshot({path: `${plan.artefacts}/search.png`});
    forgive(/fetch|failed: file:|ERR_FAILED/);  // a page from a file cannot show the text around a result
  }
  await close(`${how}: search`);
  group(`search, ${how}`);
}

async function themes(browser, base) {
  const {page, close} = await open(browser, base, 'index.html', {colorScheme: 'light'});
  const ground = () => page.evaluate(() => Number(getComputedStyle(document.body).backgroundColor.match(/\d+/)[0]));
  check('the page is light where the system is', await ground() > 128);
  await page.locator('.theme-toggle:visible').first().click();
  check('a click makes it dark', await ground() < 128);
  await page.goto(`${base}docs/kernel.html`);
  check('the next page is dark too', await ground() < 128);
  await page.locator('.theme-toggle:visible').first().click();
  check('another click makes it light', await ground() > 128);
  await close('themes');
  group('themes');
}

async function navigates(browser, base) {
  const {page, close} = await open(browser, base, 'docs/kernel.html', {viewport: phone});
  const entry = page.locator('.sidebar-tree a', {hasText: 'A hypervisor'});
  const inside = async () => { const box = await entry.boundingBox(); return box !== null && box.x >= 0 && box.x < phone.width; };
  check('on a phone the navigation is closed at first', !await inside());
  await page.locator('.mobile-header label[for="__navigation"]').click();
  await page.waitForTimeout(400);  // the drawer slides
  check('the menu opens it', await inside());
  await page.screenshot({path: `${plan.artefacts}/navigation-390.png`});
  await entry.click();
  await page.waitForURL('**/docs/vmm.html');
  check('an entry leads to its page', (await page.textContent('h1')).length > 3);
  await close('navigation');
  group('navigation');
}

function serve(prefix) {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://here').pathname);
    const file = path.startsWith(prefix) ? join(plan.site, path.slice(prefix.length)) : '';
    if (!file || file.includes('..') || !statSync(file, {throwIfNoEntry: false})?.isFile()) return response.writeHead(404).end();
    response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream').end(readFileSync(file));
  }).listen(0, '127.0.0.1');
  return new Promise((done) => server.on('listening', () => done(server)));
}

async function main() {
  const browser = await chromium.launch({executablePath: plan.chromium, args: ['--no-sandbox']});
  const server = await serve('/a folder/manual/');
  try {
    const files = `${pathToFileURL(plan.site).href}/`;
    const served = `http://127.0.0.1:${server.address().port}/a%20folder/manual/`;
    await looks(browser, files);
    await everyPage(browser, files);
    await scrolls(browser, files);
    await themes(browser, files);
    await navigates(browser, served);
    await searches(browser, files, 'files');
    await searches(browser, served, 'server');
  } finally {
    server.close();
    await browser.close();
  }
}

await main().catch((why) => {
  ++count.failed;
  console.log(`NOT OK ${why.stack}`);
});
end();
