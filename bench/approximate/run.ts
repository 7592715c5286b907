/**
 * npm run bench:approximate [-- --sizes 1000,27000] [--json FILE]
 *
 * ExactIndex beside ApproximateIndex, the ten nearest of n vectors of K numbers: milliseconds a query, one by one and in blocks, on one thread; for the graph also what it takes to make and recall@10, the part of
 * ExactIndex's lists that it finds. The graph is measured as usearch has it, and with the smallest `expansionSearch` of TRIED that finds TARGET of them. Vectors are drawn from a mixture of normal distributions:
 * items of a fitted model lie in clusters too, by genre and by who likes them, and vary in length; queries are drawn from the same one, as users lie where their items do.
 * The result goes to a file, bench/results/approximate.json unless told, from which `npm run docs` prints the table of docs/retrieval.md. Sizes that it holds stay in it where they were measured by the same commit, on the
 * same machine and in the same way; others go.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { variants } from '../../kernels/index.ts';
import { ApproximateIndex, type Usearch } from '../../lib/approximate/index.ts';
import { random } from '../../lib/random.ts';
import { ExactIndex, type Vectors } from '../../lib/retrieval/index.ts';
import { commit, machine, resultFile } from '../machine.ts';
import { type Approximate, type GraphRow, type SizeRow, figure } from '../results.ts';
import { paces, timed } from '../timing.ts';

const K = 64, QUERIES = 256, BLOCK = 64, PLACES = 10, CLUSTERS = 100, SPREAD = 0.7, LENGTHS = 0.4, TARGET = 0.95, DEFAULT = 64, TRIED = [16, 32, 64, 128, 256, 512, 1024], SIZES = [1000, 3000, 10_000, 27_000, 100_000, 300_000];

const { values: flags } = parseArgs({ options: { sizes: { type: 'string' }, json: { type: 'string' } } });
const sizes = flags.sizes?.split(',').map(Number) ?? SIZES, file = flags.json ?? resultFile('approximate');
const usearch: Usearch = await import('usearch');

const head: Omit<Approximate, 'rows'> = {
  machine: machine(), runtime: `Node ${process.versions.node}`, commit: commit(), kernels: variants.simd ? 'simd' : 'loop', usearch: (JSON.parse(readFileSync(new URL('node_modules/usearch/package.json', import.meta.url), 'utf8')) as { version: string }).version, K, queries: QUERIES, block: BLOCK, places: PLACES, target: TARGET,
  mixture: { clusters: CLUSTERS, spread: SPREAD, lengths: LENGTHS },
};
const rows = new Map(before(file).map((row) => [row.items, row]));
for (const n of sizes) {
  rows.set(n, await measured(n));
  writeFileSync(file, `${JSON.stringify({ ...head, rows: [...rows.values()].sort((a, b) => a.items - b.items) } satisfies Approximate, null, 2)}\n`);
}

/** The rows of a result that this run can go on with: one has the same head. */
function before(result: string): readonly SizeRow[] {
  if (!existsSync(result)) return [];
  const { rows, ...its } = JSON.parse(readFileSync(result, 'utf8')) as Approximate;
  if (JSON.stringify(its) === JSON.stringify(head)) return rows;
  console.log(`the ${rows.length} sizes in ${result} are of commit ${its.commit}, ${its.machine.cpu}, ${its.runtime}: what is not measured now goes`);
  return [];
}

/** n vectors around the CLUSTERS centres of the mixture: normal, with SPREAD around a centre that is standard normal, times a length of its own, log-normal with LENGTHS. */
function drawn(n: number, seed: number): Vectors {
  const centres = random(1), next = random(seed), C = Float32Array.from({ length: CLUSTERS * K }, () => centres.normal()), data = new Float32Array(n * K);
  for (let row = 0; row < n; row++) {
    const centre = next.below(CLUSTERS) * K, length = Math.exp(LENGTHS * next.normal());
    for (let k = 0; k < K; k++) data[row * K + k] = length * (C[centre + k] + SPREAD * next.normal());
  }
  return { data, shape: [n, K] };
}

async function measured(n: number): Promise<SizeRow> {
  const ids = Int32Array.from({ length: n }, (_, row) => row), V = drawn(n, n + 1), Q = drawn(QUERIES, 2), exact = new ExactIndex(ids, V), wanted = exact.search(Q, { k: PLACES }).items, graphs: GraphRow[] = [];
  const { one, block } = await speedOf(exact, Q);
  console.log(`${n} items: exact ${figure(one)} ms a query, ${figure(block)} in blocks of ${BLOCK}`);
  for (const expansionSearch of TRIED) {
    const least = graphs.some(({ recall }) => recall >= TARGET);
    if (least && expansionSearch !== DEFAULT) continue;
    const began = performance.now(), index = new ApproximateIndex(usearch, ids, V, { expansionSearch }), buildSeconds = (performance.now() - began) / 1000;
    const recall = recallOf(index.search(Q, { k: PLACES }).items, wanted), isDefault = expansionSearch === DEFAULT;
    if (recall >= TARGET || isDefault) {
      graphs.push({ expansionSearch, isDefault, isLeast: !least && recall >= TARGET, buildSeconds, recall, ...await speedOf(index, Q) });
      console.log(`  usearch, expansionSearch ${expansionSearch}: recall ${recall.toFixed(4)}, ${figure(graphs.at(-1)!.one)} ms, ${figure(graphs.at(-1)!.block)} in blocks; made in ${figure(buildSeconds)} s`);
    }
    index.free();
  }
  exact.free();
  return { items: n, exact: { one, block }, graphs };
}

/** The part of the lists that was found. */
function recallOf(found: Int32Array, wanted: Int32Array): number {
  let hits = 0;
  for (let b = 0; b < QUERIES; b++) { const list = new Set(wanted.subarray(b * PLACES, (b + 1) * PLACES)); for (let at = b * PLACES; at < (b + 1) * PLACES; at++) if (list.has(found[at])) hits++; }
  return hits / wanted.length;
}

/** Milliseconds a query, one by one and in blocks. */
async function speedOf(index: ExactIndex | ApproximateIndex, Q: Vectors): Promise<{ one: number; block: number }> {
  const part = (from: number, B: number): Vectors => ({ data: Q.data.subarray(from * K, (from + B) * K), shape: [B, K] }), asked = async (B: number): Promise<number> => {
    const parts = Array.from({ length: QUERIES / B }, (_, at) => part(at * B, B)), run = (): void => { for (const some of parts) index.search(some, { k: PLACES }); }, began = performance.now();
    run();
    return (await timed(run, false, performance.now() - began, paces.full)).milliseconds / QUERIES;
  };
  return { one: await asked(1), block: await asked(BLOCK) };
}
