import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Groups } from '../../lib/data/csr.ts';
import * as metrics from '../../lib/metrics/index.ts';

// docs/metrics.md is executed: its code, and every number of its tables.

const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
const test = suite('metrics/docs');

const k = 3, top = [Int32Array.of(7, 1, 4), Int32Array.of(8, 2, -1), Int32Array.of(7, 2, 1)], rows = [[7, 7, 4], [2, 5, 6, 9], [3]];
const group = (items: number[]): Groups => ({ indptr: Int32Array.of(0, items.length), items: Int32Array.from(items) });
const everything = { top: Int32Array.from(top.flatMap((list) => [...list])), groups: { indptr: Int32Array.of(0, 3, 7, 8), items: Int32Array.from(rows.flat()) } };

/** '5/12' or '0.4053', which is right to half of its last digit. */
function agrees(text: string, value: number): void {
  const [above, below] = text.split('/').map(Number), digits = text.includes('/') ? 12 : (text.split('.')[1] ?? '').length;
  const tolerance = digits === 0 ? 1e-12 : 0.5 * 10 ** -digits;
  assert.ok(Math.abs(value - (below === undefined ? above : above / below)) <= tolerance, `the page says ${text}, the code ${value}`);
}

/** The cells of the first table whose header row starts with these words. */
function table(...header: string[]): string[][] {
  const lines = page.split('\n'), cells = (line: string) => line.split('|').slice(1, -1).map((cell) => cell.trim());
  const at = lines.findIndex((line) => line.startsWith('|') && header.every((word, c) => cells(line)[c] === word));
  assert.ok(at >= 0, `no table ${header}`);
  const end = lines.findIndex((line, l) => l > at && !line.startsWith('|'));
  return lines.slice(at + 2, end).map(cells);
}

test('the code gives the numbers in its comments', () => {
  const blocks = [...page.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((match) => match[1]).join('');
  let checked = 0;
  const check = (value: number, text: string) => { agrees(text, value); checked++; };
  const code = blocks.replace(/^(\w+\(.*\)(?:\[\d+\])?) +\/\/ ([\d.]+)$/gm, "check($1, '$2')").replace(/^const (.*)$/gm, 'const $1;');
  new Function('check', ...Object.keys(metrics), code)(check, ...Object.values(metrics));
  assert.is(checked, 18);
});

test('the groups of the example are those of the code', () => {
  for (const [g, [name, items, set, R, list, hits]] of table('group', 'rows').entries()) {
    assert.is(name, 'ABC'[g]);
    assert.equal(items.split(' ').map(Number), rows[g]);
    assert.equal(set.split(' ').map(Number), [...new Set(rows[g])].sort((a, b) => a - b));
    assert.is(Number(R), new Set(rows[g]).size);
    assert.equal(list.replace(/[()]/g, '').split(' ').map(Number), [...top[g]]);
    assert.equal(hits.match(/\d/g)?.map(Number) ?? [], [...top[g]].flatMap((item, p) => (rows[g].includes(item) ? [p + 1] : [])));
  }
});

test('the values group by group', () => {
  const lines = table('metric', 'A');
  assert.equal(lines.map(([name]) => name), ['precisionAtK', 'setPrecisionAtK', 'recallAtK', 'mapAtK', 'ndcgAtK', 'mrrAtK', 'hitRateAtK']);
  for (const [name, ...cells] of lines) {
    const metric = metrics[name as 'mapAtK'];
    for (const [g, cell] of cells.slice(0, 3).entries()) agrees(cell, metric(top[g], group(rows[g]), k));
    agrees(cells[3], metric(everything.top, everything.groups, k));
  }
});

test('what other libraries call precision', () => {
  const hits = rows.map((items, g) => new Set(items.filter((item) => top[g].includes(item))).size), R = rows.map((items) => new Set(items).size);
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0), values = table('library', 'definition').map((cells) => cells[2]);
  assert.is(values.length, 4);
  agrees(values[0], metrics.precisionAtK(everything.top, everything.groups, k));
  agrees(values[1], metrics.setPrecisionAtK(everything.top, everything.groups, k));
  agrees(values[2], sum(hits.map((hit, g) => hit / top[g].filter((item) => item >= 0).length)) / 3);
  agrees(values[3], sum(hits) / sum(R.map((r) => Math.min(k, r))));
});

test('every exported function has its place on the page', () => {
  for (const name of Object.keys(metrics)) assert.ok(page.includes(name), name);
});

test.run();
