import { createServer, type RequestListener } from 'node:http';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sideTable } from '../../lib/data/index.ts';
import { evaluateRatings } from '../../lib/metrics/index.ts';
import { findMovieLens } from '../../lib/study/findMovieLens.ts';
import { generateRatings } from '../../lib/study/generateRatings.ts';
import { MeanRating } from '../../lib/study/meanRating.ts';
import { FILES, readMovieLens, withYears } from '../../lib/study/movieLens.ts';
import { movieLensReport } from '../../lib/study/movieLensReport.ts';
import type { MovieLensResult } from '../../lib/study/movieLensResult.ts';
import { runMovieLens } from '../../lib/study/movieLensStudy.ts';
import { movieLensTable } from '../../lib/study/movieLensTable.ts';
import { packageRoot } from '../../lib/study/packageRoot.ts';
import { bestRow, sectionRow } from '../../lib/study/sections.ts';
import { bytesOf, cinema, files, inBytes } from '../helpers/cinema.ts';
import { succeeds, fails } from '../helpers/command.ts';
import { joined, zipOf } from '../helpers/makeXlsx.ts';
import { rejects } from '../helpers/refuses.ts';
import { skip } from '../helpers/skip.ts';

const test = suite('study/movieLens'), folder = mkdtempSync(join(tmpdir(), 'tightrec-movielens-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const place = join(folder, 'ml-100k');
mkdirSync(place);
for (const [part, name] of Object.entries(FILES)) writeFileSync(join(place, name), inBytes[part as keyof typeof FILES]);
const zip = await joined(zipOf(Object.entries(FILES).map(([part, name]) => ({ name: `ml-100k/${name}`, data: [inBytes[part as keyof typeof FILES]] }))));

test('reads ratings, people and films, with letters beyond ASCII, and the published split', () => {
  assert.equal([cinema.ratings.user.length, cinema.split.train.user.length, cinema.split.test.user.length, cinema.ratings.users.size, cinema.ratings.items.size], [480, 384, 96, 40, 30]);
  assert.equal([cinema.users.columns.age[1], cinema.users.columns.gender[1], cinema.users.columns.occupation[0]], [21, 'M', 'student']);
  assert.equal([cinema.items.columns.title[2], cinema.items.columns.genres[2]], ['Film\u00e9 3 (1968)', ['Animation', 'Documentary']]);
  assert.equal(withYears(sideTable(['a', 'b', 'c', 'd'], { title: ['One (1990)', 'Two', 'Three (1980) ', 'Four (1999)'] })).columns.year, [1990, 1990, 1980, 1999]);
  assert.is(cinema.ratings.time![1] - cinema.ratings.time![0], 1000);
  assert.ok(cinema.split.train.users === cinema.ratings.users && cinema.split.test.items === cinema.ratings.items);
});

test('a file that is damaged: which, and where', async () => {
  const changed = (part: keyof typeof FILES, from: string, to: string): Promise<unknown> => readMovieLens('x', { ...inBytes, [part]: bytesOf(files[part].replace(from, to)) });
  await rejects(() => changed('ratings', files.ratings.split('\n')[1], '1\t2\t6\t875000001'), 'bad-row', 'expected 1, 2, 3, 4 or 5 stars in row 2, got 6');
  await rejects(() => changed('ratings', files.ratings.split('\n')[1], '1\t2\tgood\t875000001'), 'bad-row', 'stars', 'good');
  await rejects(() => changed('ratings', files.ratings.split('\n')[1], '1\t999\t3\t875000001'), 'unknown-id', 'expected ids of', "got item '999' in row 2");
  await rejects(() => changed('users', '1|20|', '1|old|'), 'bad-row', 'age', 'old');
  await rejects(() => changed('items', '|0|1|', '|0|2|'), 'bad-row', 'flag');
});

test('the folder or archive that was named, the cache, beside the project, the download, made up', async () => {
  const nowhere = join(folder, 'nowhere'), lines: string[] = [], options = { cache: join(folder, 'cache'), shared: nowhere, url: 'http://127.0.0.1:1/x.zip', progress: { say: (line: string) => { lines.push(line); }, begin: () => ({ at() {}, end() {} }) } };
  const archive = join(folder, 'ml-100k.zip'), sizes = async (more: object): Promise<unknown[]> => { const { source, ratings } = await findMovieLens({ ...options, ...more }); return [source, ratings.user.length]; };
  writeFileSync(archive, zip);
  assert.equal(await sizes({ file: place }), [place, 480]);
  assert.equal(await sizes({ file: archive }), [archive, 480]);
  assert.is((await sizes({ shared: folder }))[1], 480);
  await serving((_, response) => { response.end(zip); }, async (url) => { assert.equal(await sizes({ url }), [url, 480]); });
  assert.equal(readFileSync(join(folder, 'cache', 'ml-100k.zip')), Buffer.from(zip));
  assert.equal(await sizes({}), [join(folder, 'cache', 'ml-100k.zip'), 480]);
  assert.match(lines.join('\n'), 'kept a copy in');
  writeFileSync(join(folder, 'cache', 'ml-100k.zip'), zip.subarray(0, 300));
  await rejects(() => findMovieLens(options), 'file-damaged', 'delete it to have it downloaded again');
  const made = await findMovieLens({ ...options, cache: join(folder, 'other') });
  assert.ok(made.generated && made.ratings.user.length > 90_000);
  assert.match(lines.at(-1)!, /^No download \(.*\): these are GENERATED ratings/);
  assert.not.ok(existsSync(join(folder, 'other')));
  await rejects(() => findMovieLens({ ...options, file: nowhere }), 'file-missing', 'nowhere, which is not there');
  await rejects(() => findMovieLens({ ...options, file: join(place, 'u.data') }), 'file-unreadable', 'which is neither');
  rmSync(join(place, 'u.item'));
  await rejects(() => findMovieLens({ ...options, file: place }), 'file-missing', 'but u.item is not there');
  writeFileSync(join(place, 'u.item'), inBytes.items);
});

test('generated ratings: the same for the same seed, of the shape of the real ones', () => {
  const one = generateRatings(1), again = generateRatings(1), other = generateRatings(2);
  assert.equal([one.ratings.user, one.ratings.value, one.items.columns.title], [again.ratings.user, again.ratings.value, again.items.columns.title]);
  assert.not.equal(one.ratings.value, other.ratings.value);
  const { indptr } = one.ratings.matrix, n = one.ratings.user.length, least = Math.min(...indptr.subarray(1).map((end, user) => end - indptr[user]));
  assert.ok(n > 90_000 && n < 110_000 && least >= 20 && one.ratings.users.size === 943 && one.ratings.items.size === 1682, `${n} ${least}`);
  assert.is(one.split.train.user.length + one.split.test.user.length, n);
  assert.ok(one.items.columns.genres.length === 1682 && new Set(one.ratings.value).size === 5);
});

let result: MovieLensResult;
test('every model asked for, in its section, with its curve; the same figures for the same seed', async () => {
  const models = ['means', 'rating-mf', 'popularity', 'als'] as const;
  result = await runMovieLens(cinema, { models, seed: 3 });
  assert.equal(result.sections.map(({ id, rows }) => [id, ...rows.map(({ name }) => name)]), [['ratings', 'mean of all', 'mean of the user', 'mean of the film', 'rating-mf', 'rating-mf, small start'], ['ranking', 'popularity', 'als'], ['newcomers', 'popularity']]);
  for (const { measures, rows } of result.sections) for (const { figures, fitSeconds } of rows) {
    assert.is(figures.length, measures.length);
    for (const value of [...figures, fitSeconds]) assert.ok(value !== null && value >= 0 && value < 5, String(value));
  }
  assert.equal(result.sections[0].rows.map(({ curve, published }) => [curve.length, published]), [[0, null], [0, null], [0, null], [20, 0.934], [28, null]]);
  assert.equal([result.data.ratings, result.data.stars.reduce((sum, n) => sum + n, 0), result.data.split, result.data.likes.train + result.data.likes.validation + result.data.likes.test], [480, 480, { train: 384, test: 96 }, result.data.stars[3] + result.data.stars[4]]);
  const figures = ({ sections }: MovieLensResult): unknown => sections.map(({ rows }) => rows.map((row) => [row.figures, row.curve]));
  assert.equal(figures(await runMovieLens(cinema, { models, seed: 3 })), figures(result));
  assert.not.equal(figures(await runMovieLens(cinema, { models, seed: 4 })), figures(result));
  const [, ranking] = result.sections, als = ranking.rows[1];
  assert.is(als.figures[0], als.curve.at(-1)!.value, 'the table has the last epoch');
});

test('every model has its row, and a figure of each measure', async () => {
  const { sections } = await runMovieLens(cinema);
  assert.equal(sections.map(({ rows }) => rows.map(({ name }) => name)), [
    ['mean of all', 'mean of the user', 'mean of the film', 'bias-only', 'rating-mf', 'rating-mf, small start', 'svd++', 'svd++, small start', 'fm, ids', 'fm, features', 'auto-rec, films', 'auto-rec, users'],
    ['popularity', 'item-knn', 'ease', 'als', 'bpr, by sgd', 'bpr, small normal start', 'fm, clicks', 'hybrid-mf, ids', 'hybrid-mf, features', 'cdae'],
    ['popularity', 'bias-only', 'fm, ratings', 'fm, clicks', 'hybrid-mf, logistic', 'hybrid-mf, warp', 'siamese', 'siamese, hard negatives', 'siamese, unseen films too'],
  ]);
  for (const { rows, measures } of sections) for (const { figures, name } of rows) assert.ok(figures.length === measures.length && figures.every((value) => value !== null && value >= 0 && value < 5), name);
  assert.match(movieLensTable({ ...result, sections }), 'userFeatures id+age+gender+occupation, itemFeatures id+genres+year');
  assert.match(movieLensTable({ ...result, sections }), 'layers 64-32');
});

test('people held out: what is known of them but for their features has no part in it, and features help where tastes go by them', async () => {
  const { sections } = await runMovieLens(generateRatings(2), { models: ['popularity', 'bias-only', 'fm'], seed: 2 }), { rows } = sections.at(-1)!, of = (name: string): number[] => rows.find((row) => row.name === name)!.figures as number[];
  assert.equal(rows.map(({ name }) => name), ['popularity', 'bias-only', 'fm, ratings', 'fm, clicks']);
  for (const { figures } of rows) for (const value of figures) assert.ok(value! > 0 && value! < 1);
  assert.ok(of('fm, ratings')[2] > of('bias-only')[2] + 0.01, JSON.stringify(rows.map(({ figures }) => figures)));
});

test('generated data: no published figures, and it says what it is', async () => {
  const made = await runMovieLens({ ...cinema, generated: true }, { models: ['rating-mf'] });
  assert.ok(made.sections[0].rows.every(({ published }) => published === null));
  assert.match(movieLensTable(made).split('\n')[0], 'GENERATED RATINGS');
  assert.match(await movieLensReport(made, ['rating-mf']), 'These are generated ratings');
});

test('the films of hybrid-mf are drawn, by what it learned from ids alone; in the report, not in the JSON', async () => {
  const made = generateRatings(2), { map, ...rest } = await runMovieLens(made, { models: ['hybrid-mf'], seed: 2 }), html = await movieLensReport({ ...rest, map }, ['hybrid-mf']);
  assert.is([...html.matchAll(/<circle /g)].length, map!.labels.length);
  assert.ok(map!.labels.length > 500 && Math.min(...Array.from(map!.sizes)) >= 20 && map!.vectors.shape[1] === 32);
  assert.match(html, 'The films of hybrid-mf, ids');
  const few = cinema.ratings.matrix.indices.slice().sort().map((item, at, all) => (item === all[at + 19] ? item : -1)).filter((item) => item >= 0);
  assert.is((await runMovieLens(cinema, { models: ['hybrid-mf'] })).map!.labels.length, new Set(few).size);
  assert.is(result.map, null);
  assert.not.match(await movieLensReport(result, ['als']), '<circle');
});

test('the table and the report have every figure; what comes from the data is text', async () => {
  const text = movieLensTable(result), html = await movieLensReport({ ...result, data: { ...result.data, source: '<img src=x>' } }, ['als']);
  for (const { measures, rows } of result.sections) for (const { name, figures } of rows) for (const [at, value] of figures.entries()) for (const page of [text, html]) assert.ok(page.includes(value!.toFixed(measures[at].digits)), name);
  assert.not.match(html, '<img');
  assert.match(html, 'npx tightrec study movielens --models als --seed 3');
  const charts = JSON.parse(/id="charts">(.*?)<\/script>/.exec(html)![1]) as { id: string; bottom?: number; top?: number }[];
  assert.equal(charts.map(({ id }) => id), ['curve-ratings-0', 'curve-ratings-1', 'curve-ranking-0', 'stars', 'popularity']);
  assert.ok(charts[0].bottom! > 0 && charts[2].bottom === 0);
  const lines = text.split('\n'), head = lines.findIndex((line) => line.startsWith('model')), best = result.sections[0].rows[bestRow(result.sections[0], 0)];
  assert.is(lines[head].indexOf('RMSE') + 4, lines[head + 1].indexOf(result.sections[0].rows[0].figures[0]!.toFixed(4)) + 6);
  const marked = movieLensTable(result, { bold: (cell) => `*${cell}*`, dim: (cell) => cell });
  assert.match(marked, new RegExp(`^${best.name.replace(/[+.]/g, '\\$&')}.*\\* *${best.figures[0]!.toFixed(4)}\\*`, 'm'));
});

test('the best of a measure: high or low, and none where nobody has a figure', () => {
  const rows = [sectionRow('a', { figures: [1, null], fitSeconds: 0 }), sectionRow('b', { figures: [2, null], fitSeconds: 0 })], measure = { name: 'x', digits: 1 };
  assert.equal([bestRow({ rows, measures: [{ ...measure, best: 'high' }] }, 0), bestRow({ rows, measures: [{ ...measure, best: 'low' }] }, 0), bestRow({ rows, measures: [{ ...measure, best: 'low' }, { ...measure, best: 'low' }] }, 1)], [1, 0, -1]);
});

test('the command: a table, a report and a JSON; what it refuses', async () => {
  const json = join(folder, 'out.json'), report = join(folder, 'out.html');
  const { stdout, stderr } = await succeeds(['study', 'movielens', '--data', place, '--models', 'means,popularity', '--json', json, '--report', report]);
  assert.match(stdout, /^MovieLens 100k$/m);
  assert.match(stdout, /^popularity +0\.\d{4}/m);
  assert.match(stderr, 'the whole study took');
  assert.equal((JSON.parse(readFileSync(json, 'utf8')) as MovieLensResult).sections.map(({ id }) => id), ['ratings', 'ranking', 'newcomers']);
  assert.not.ok('map' in (JSON.parse(readFileSync(json, 'utf8')) as object));
  assert.match(readFileSync(report, 'utf8'), 'name="generator" content="tightrec study"');
  await fails(['study', 'movielens', '--models', 'lstm', '--data', place], 2, ["there is no 'lstm'", 'rating-mf']);
  await fails(['study', '--models', 'rating-mf'], 2, ["there is no 'rating-mf'", 'popularity']);
  await fails(['study', 'netflix'], 2, ['netflix', 'movielens']);
  await fails(['study', 'movielens', '--data', place, '--checkpoints', folder], 2, ['--checkpoints is for the study of online-retail']);
  await fails(['study', 'movielens', '--data', place, '--on-bad-row', 'skip'], 2, ['--on-bad-row skip is for']);
  await fails(['study', 'movielens', '--data', join(folder, 'nowhere'), '--no-report'], 1, ['expected a folder with the files of MovieLens 100k']);
});

const real = join(packageRoot, '..', 'shared', 'data', 'ml-100k');
if (!existsSync(real)) skip('study/movieLens, the real data', 'it is not at ../shared/data/ml-100k');
else {
  test('the real data: its size, its mean, and the errors of the means on the published split', async () => {
    const { ratings, split, users, items } = await findMovieLens({ file: real }), error = async (by: 'all' | 'user' | 'item'): Promise<number> => evaluateRatings(await new MeanRating(by).fit(split.train), split.test).rmse;
    assert.equal([ratings.user.length, ratings.users.size, ratings.items.size, split.train.user.length, split.test.user.length, users.ids.length, items.ids.length], [100_000, 943, 1682, 80_000, 20_000, 943, 1682]);
    assert.is((split.train.value!.reduce((sum, r) => sum + r, 0) / 80_000).toFixed(5), '3.52835');
    assert.equal([(await error('all')).toFixed(7), (await error('user')).toFixed(7), (await error('item')).toFixed(7)], ['1.1536759', '1.0629951', '1.0334114']);
    assert.equal([items.columns.title[0], items.columns.genres[0], users.columns.age[0]], ['Toy Story (1995)', ['Animation', "Children's", 'Comedy'], 24]);
  });
}

async function serving(answer: RequestListener, work: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  try { await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}/ml-100k.zip`); } finally { server.closeAllConnections(); server.close(); }
}

test.run();
