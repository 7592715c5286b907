import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { onlineRetail, readTransactions } from '../../lib/study/onlineRetail.ts';
import { escaped, jsonInHtml } from '../../lib/study/page.ts';
import { reportOf } from '../../lib/study/report.ts';
import { runStudy } from '../../lib/study/study.ts';
import { retailCsv, smallShop } from '../helpers/retail.ts';
import { skip } from '../helpers/skip.ts';

const hostile = `</script><script>document.title = 'taken'</script><img src=x onerror="document.title='taken'"> & 'quoted'`;
const rows = smallShop().map((row) => ({ ...row, description: hostile }));
const result = await runStudy(await onlineRetail(await readTransactions(new TextEncoder().encode(retailCsv(rows)))), { models: ['popularity', 'purchase-history', 'logistic-mf'] });
result.data.source = `/shop/${hostile}.csv`;
const html = await reportOf(result);

const test = suite('study/report');

test('is one file: nothing is fetched', () => {
  assert.not.match(html, /<link|<iframe|@import|url\(|\ssrc=[^x]|XMLHttpRequest|fetch\(/);
  assert.match(html, "default-src 'none'");
  assert.match(html, 'uPlot');
});

test('what comes from the data is text and nothing else', () => {
  assert.not.match(html, "<script>document.title");
  assert.not.match(html, '<img');
  assert.match(html, '&#60;/script&#62;&#60;script&#62;document');
  assert.is(html.match(/<script/g)!.length, 3);
  assert.is(html.match(/<\/script>/g)!.length, 3);
  assert.is(escaped(`<&>"'`), '&#60;&#38;&#62;&#34;&#39;');
  assert.is(jsonInHtml({ a: '</script>\u2028' }), '{"a":"\\u003c/script\\u003e\\u2028"}');
  assert.equal(JSON.parse(jsonInHtml({ a: hostile })), { a: hostile });
});

test('holds every figure, the settings, the machine and the seed', () => {
  for (const { name, validation, test: last } of result.models) for (const text of [escaped(name), validation.toFixed(4), last.toFixed(4)]) assert.match(html, text);
  for (const text of ['learningRate 0.005', escaped(result.machine.cpu), process.versions.node, '<dd>1</dd>']) assert.match(html, text);
});

test('every chart has its element, a name and its numbers', () => {
  const charts = JSON.parse(/id="charts">(.*?)<\/script>/.exec(html)![1]) as { id: string; x: number[] }[];
  assert.equal(charts.map(({ id }) => id), ['curve-2', 'curve-3', 'months', 'popularity', 'sizes']);
  for (const { id } of charts) assert.match(html, new RegExp(`id="${id}" tabindex="0" role="img" aria-label="[^"]{10,}" aria-describedby="${id}-reading"`));
  assert.is(html.match(/<summary>The numbers/g)!.length, charts.length);
});

const folder = mkdtempSync(join(tmpdir(), 'tightrec-report-')), chromium = ['chromium', 'chromium-browser', 'google-chrome'].find((name) => spawnSync(name, ['--version']).status === 0);
test.after(() => rmSync(folder, { recursive: true, force: true }));

if (chromium === undefined) skip('study/report in a browser', 'there is no chromium');
else {
  test('in a browser: every chart is drawn, nothing hostile runs, no error is logged', () => {
    // a probe at the end of the page writes down what the page became
    const probe = `<script>(() => {
      const { dataset } = document.documentElement;
      addEventListener('error', (event) => { dataset.error = event.message; });
      addEventListener('load', () => setTimeout(() => {
        document.querySelector('.chart').dispatchEvent(new KeyboardEvent('keydown', { key: 'End', bubbles: true }));
        dataset.reading = document.querySelector('.reading').textContent;
        dataset.canvases = document.querySelectorAll('.chart canvas').length;
        document.getElementById('theme').click();
      }, 200));
    })();</script>`;
    const file = join(folder, 'report.html');
    writeFileSync(file, html.replace('<head>', `<head>${probe}`));
    const { stdout, stderr } = spawnSync(chromium, ['--headless', '--no-sandbox', '--disable-gpu', '--enable-logging=stderr', '--virtual-time-budget=4000', '--dump-dom', `file://${file}`], { encoding: 'utf8', timeout: 60_000 });
    const root = /<html[^>]*>/.exec(stdout)?.[0] ?? '';
    assert.match(root, 'data-canvases="5"');
    assert.match(root, /data-reading="365 · precision@5 0\.\d{4}"/);
    assert.match(root, /data-theme="(dark|light)"/);
    assert.not.match(root, 'data-error');
    assert.match(stdout, '<title>Online Retail · tightrec</title>');
    assert.not.match(stderr, /CONSOLE.*(error|Refused|Uncaught)/i);
  });
}

test.run();
