// SPDX-License-Identifier: BSL-1.0
//
// What the checks of pages share: counting, and axe.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const count = {tried: 0, failed: 0};

export function check(what, holds, detail = '') {
  ++count.tried;
  if (holds) return;
  ++count.failed;
  console.log(`NOT OK ${what}: ${typeof detail === 'string' ? detail : JSON.stringify(detail)}`.slice(0, 1200));
}
export const equal = (what, a, b) => check(what, JSON.stringify(a) === JSON.stringify(b), `${JSON.stringify(a)} instead of ${JSON.stringify(b)}`);

let before = Date.now();
export function group(what) {
  console.log(`       ${what}: ${count.tried} tried, ${count.failed} not ok; ${((Date.now() - before) / 1000).toFixed(1)} s`);
  before = Date.now();
}

// axe looks into a frame only if it is there too; a frame has checks of its own. It would fetch style sheets, which a page
// from a file may not.
export async function accessible(page, what, without = []) {
  const rules = Object.fromEntries(without.map((rule) => [rule, {enabled: false}]));
  const options = JSON.stringify({resultTypes: ['violations'], iframes: false, preload: false, rules});
  const found = await page.evaluate(`${axe}; axe.run(document, ${options})`);
  equal(`${what}: axe finds no violation`, found.violations.map((v) => [v.id, v.nodes.slice(0, 3).map((n) => n.target.join())]), []);
}

export function end() {
  console.log(`${count.tried} tried${count.failed ? `, ${count.failed} not ok` : ''}`);
  process.exit(count.failed ? 1 : 0);
}
