import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { interactions } from '../../lib/data/index.ts';
import { LabelEncoder } from '../../lib/data/labelEncoder.ts';
import { sideTable } from '../../lib/data/sideTable.ts';
import { BPR, Popularity } from '../../lib/index.ts';
import { pca } from '../../lib/linalg/pca.ts';
import { random } from '../../lib/random.ts';
import { type EmbeddingMap, embeddingMap } from '../../lib/study/embeddingMap.ts';
import { filmMap } from '../../lib/study/filmMap.ts';
import { css } from '../../lib/study/reportPage.ts';
import { refuses } from '../helpers/refuses.ts';

const test = suite('study/embeddingMap');

const genres = ['Drama', 'Comedy', 'War', 'Crime', 'Noir', 'Western', 'Musical', ''];

/** n films in a cloud that is three times as wide in one direction as in another. */
function cloud(n: number, K = 5): EmbeddingMap {
  const next = random(n);
  return {
    id: 'films', title: 'Films', about: 'All of them.', items: 'films', groupName: 'genre', sizeName: 'ratings',
    vectors: { data: Float32Array.from({ length: n * K }, (_, at) => (at % K === 1 ? 3 : at % K === 3 ? 1 : 0.1) * next.normal()), shape: [n, K] },
    labels: Array.from({ length: n }, (_, at) => `Film ${at}`), groups: Array.from({ length: n }, (_, at) => genres[Math.min(Math.floor(at ** 0.45), 7)]), sizes: Int32Array.from({ length: n }, (_, at) => 1 + (at * 7919) % 500),
  };
}

const circlesOf = (html: string): { group: number; step: number; x: number; y: number; r: number; said: string }[] =>
  [...html.matchAll(/<circle class="g(\d) q(\d)" cx="([-\d.]+)" cy="([-\d.]+)" r="([\d.]+)"><title>([^<]*)<\/title>/g)].map(([, group, step, x, y, r, said]) => ({ group: Number(group), step: Number(step), x: Number(x), y: Number(y), r: Number(r), said }));
const textsOf = (html: string): { x: number; y: number; text: string }[] => [...html.matchAll(/<text x="([-\d.]+)" y="([-\d.]+)">([^<]*)<\/text>/g)].map(([, x, y, text]) => ({ x: Number(x), y: Number(y), text }));

test('a point each, where the components say, both axes on one scale, inside the picture', () => {
  const map = cloud(400), html = embeddingMap(map), circles = circlesOf(html), { coordinates } = pca(map.vectors, 2), at = (n: number): (typeof circles)[number] => circles.find(({ said }) => said.startsWith(`Film ${n} `))!;
  assert.is(circles.length, 400);
  const scale = (at(1).x - at(0).x) / (coordinates[2] - coordinates[0]);
  assert.ok(scale > 0);
  for (const n of [2, 50, 399]) assert.ok(Math.abs(at(n).x - at(0).x - scale * (coordinates[2 * n] - coordinates[0])) < 0.3 && Math.abs(at(n).y - at(0).y + scale * (coordinates[2 * n + 1] - coordinates[1])) < 0.3, `film ${n}`); // y grows downwards
  const [, height] = /viewBox="0 0 1000 (\d+)"/.exec(html)!.map(Number);
  assert.ok(height >= 300 && height < 600, 'as flat as the cloud is'); // 3 to 1
  for (const { x, y, r } of circles) assert.ok(x - r > 0 && x + r < 1000 && y - r > 0 && y + r < height);
});

test('area by size, the small on the large, colours by group and by size', () => {
  const map = cloud(400), circles = circlesOf(embeddingMap(map)), coloured = circles.filter(({ group }) => group < 6), sizeOf = ({ said }: { said: string }): number => Number(/· ([\d,]+) ratings$/.exec(said)![1].replace(',', ''));
  for (const [at, one] of coloured.entries()) assert.ok(at === 0 || (sizeOf(one) <= sizeOf(coloured[at - 1]) && one.r <= coloured[at - 1].r && one.step <= coloured[at - 1].step));
  for (const one of circles) assert.ok(Math.abs(one.r - 2.2 - 7.8 * Math.sqrt(sizeOf(one) / 500)) < 0.06);
  assert.ok(circles.findIndex(({ group }) => group < 6) === circles.filter(({ group }) => group === 6).length, 'the grey ones below');
  for (let step = 0; step < 5; step++) assert.ok(Math.abs(circles.filter((one) => one.step === step).length - 80) <= 1);
  const counts = new Map<string, number>();
  for (const name of map.groups) if (name !== '') counts.set(name, (counts.get(name) ?? 0) + 1);
  const ranked = [...counts].sort(([, a], [, b]) => b - a).map(([name]) => name);
  for (const { said, group } of circles) assert.is(group, ((at) => (at < 0 || at > 5 ? 6 : at))(ranked.indexOf(said.split(' · ')[1])));
  assert.ok(circles.some(({ said }) => said.includes('· other genre ·')));
});

test('the names of the largest, none over another, in the picture; long ones cut', () => {
  const map = cloud(600), crowded = { ...map, vectors: { data: map.vectors.data.map((x) => x / 1000), shape: map.vectors.shape }, labels: map.labels.map((label) => `${label}, with a title longer than anybody reads`) };
  const all = (html: string): void => {
    const texts = textsOf(html), boxes = texts.map(({ x, y, text }) => ({ left: x, right: x + text.length * 6.6, top: y - 12, bottom: y + 4 }));
    assert.ok(texts.length >= 8 && texts.length <= 12, `${texts.length} names`);
    for (const [at, one] of boxes.entries()) {
      assert.ok(one.left > 0 && one.right < 1000 && one.top > 0);
      for (const other of boxes.slice(0, at)) assert.ok(one.right < other.left || one.left > other.right || one.bottom < other.top || one.top > other.bottom);
    }
  };
  all(embeddingMap(map));
  all(embeddingMap(crowded));
  const largest = Array.from(map.sizes).indexOf(Math.max(...Array.from(map.sizes)));
  assert.is(textsOf(embeddingMap(map))[0].text, `Film ${largest}`);
  assert.match(textsOf(embeddingMap(crowded))[0].text, /^.{33}…$/);
});

test('what cannot be seen is said: the picture, the legends, the numbers', () => {
  const html = embeddingMap(cloud(400));
  assert.match(html, /role="img" aria-label="Films\. 400 films; \d+ % of the variance lies along the horizontal, \d+ % along the vertical axis\./);
  assert.match(html, /<fieldset class="switch"><legend>Colour by<\/legend>.*genre<\/label>.*ratings<\/label>/);
  assert.match(html, /<ul class="key by-group">.*Noir<\/li>.*other genres<\/li><\/ul>/);
  assert.match(html, /<ul class="key by-size">(<li><i class="q\d"><\/i>[\d,–]+<\/li>){5}<li>ratings<\/li><\/ul>/);
  assert.is([...html.matchAll(/<th scope="row">Film/g)].length, 12);
  assert.ok(['.map .g6', '.map .q4', '.map:has(.k0:hover)'].every((rule) => css.includes(rule)));
  assert.not.match(html, /<script|style=/);
});

test('whatever comes from the data is escaped', () => {
  const map = cloud(30), evil = '<img src=x onerror="1">&\'';
  const html = embeddingMap({ ...map, title: evil, about: evil, items: evil, groupName: evil, sizeName: evil, labels: map.labels.map(() => evil), groups: map.groups.map(() => evil) });
  assert.not.match(html, /<img|onerror="/);
});

test('few points, equal points, one number each', () => {
  for (const n of [0, 1, 2]) assert.is(circlesOf(embeddingMap(cloud(n))).length, n);
  const same = { ...cloud(9), sizes: new Int32Array(9).fill(4), vectors: { data: new Float32Array(45).fill(1), shape: [9, 5] } }, html = embeddingMap(same);
  assert.not.match(html, /NaN|Infinity|undefined/);
  assert.match(html, '<ul class="key by-size"><li><i class="q4"></i>4</li><li>ratings</li></ul>');
  assert.not.match(embeddingMap({ ...cloud(20, 1), sizes: new Int32Array(20) }), /NaN|Infinity|undefined/);
  refuses(() => embeddingMap({ ...cloud(5), labels: ['a'] }), 'bad-shape', 'embeddingMap: expected labels of all 5 vectors, got 1');
  refuses(() => embeddingMap({ ...cloud(5), sizes: [1] }), 'bad-shape', 'expected sizes of all 5 vectors, got 1');
});

test('the films of a model: those with ratings enough, of one genre each, their vectors of length 1', async () => {
  const users = Array.from({ length: 60 }, (_, at) => at % 30), films = Array.from({ length: 60 }, (_, at) => (at < 25 ? 'a' : at < 30 ? 'rare' : 'b')), ratings = interactions(users, films, { items: LabelEncoder.fit(['a', 'b', 'rare', 'none']) });
  const data = { source: '', generated: false, ratings, users: sideTable([], {}), items: sideTable(['rare', 'none', 'b', 'a'], { title: ['Rare', 'None', 'B', 'A'], genres: [['War'], [], ['War'], ['Drama', 'Comedy', "Children's"]] }), split: { train: ratings, test: ratings } };
  const model = await new BPR({ factors: 4, epochs: 1 }).fit(ratings), { labels, groups, sizes, vectors } = filmMap(model, data, { id: 'x', title: 'x' });
  assert.equal([labels, groups, [...sizes as number[]], vectors.shape], [['A', 'B'], ["Children's", ''], [25, 30], [2, 4]]);
  for (const row of [0, 1]) assert.ok(Math.abs(Math.hypot(...vectors.data.subarray(4 * row, 4 * row + 4)) - 1) < 1e-6);
  const popular = await new Popularity().fit(ratings);
  refuses(() => filmMap(popular, data, { id: 'x', title: 'x' }), 'unsupported', 'filmMap: Popularity learns no item vectors');
});

test.run();
