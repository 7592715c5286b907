import { scales } from './kernelSizes.ts';
import { sizeOf, spreadOf } from './limits.ts';
import { type Approximate, type GraphRow, type Native, type PackageResults, type Results, type Row, type SizeRow, figure } from './results.ts';

/** table: Markdown, the first column to the left and figures to the right. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** where: on what the figures were measured. */
export const where = ({ machine, runtime, threads, commit }: Results): string =>
  `${machine.cpu}, ${machine.cores} cores, ${runtime}, ${threads} thread${threads === 1 ? '' : 's'} unless said; medians; commit ${commit}.`;

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];
const cell = (row: Row | undefined): string => (row ? `${figure(row.median)}${row.once ? '\\*' : ''}` : '');
const onceNote = (rows: readonly Row[]): string => (rows.some(({ once }) => once) ? ' \\* timed once.' : '');
const times = (row: Row | undefined): string => (row?.overLoop === undefined ? '' : `${figure(row.overLoop)} x`);
/** The variant of the SIMD kernels that is the faster one. */
const bestSimd = (rows: readonly Row[]): Row | undefined => rows.filter(({ variant }) => variant.startsWith('simd')).sort((a, b) => a.milliseconds - b.milliseconds)[0];

/** Rows of functions and sizes, a column a variant. */
function bySize(rows: readonly Row[], withScale: boolean): string {
  const variants = unique(rows.map(({ variant }) => variant)), keys = unique(rows.map(({ name, scale, size }) => `${name}\n${scale}\n${size}`));
  const body = keys.map((key) => {
    const [name, scale, size] = key.split('\n'), these = rows.filter((row) => row.name === name && row.scale === scale && row.size === size), simd = bestSimd(these);
    return [`\`${name}\``, withScale ? `${scale}: ${size}` : size, these[0].unit, ...variants.map((variant) => cell(these.find((row) => row.variant === variant))), times(simd), simd?.share === undefined ? '' : `${Math.round(100 * simd.share)} % of ${simd.bound}`];
  });
  return table(['', 'size', 'unit', ...variants, 'SIMD over loop', "SIMD's share of the limit"], body);
}

/** kernelTable: a folder's functions at every size, for its page. */
export function kernelTable(results: Results, folder: string): string {
  const rows = results.rows.filter(({ group, kernel }) => group === 'kernels' && kernel === folder);
  const order: readonly string[] = scales;
  return `${bySize([...rows].sort((a, b) => a.name.localeCompare(b.name) || order.indexOf(a.scale) - order.indexOf(b.scale)), true)}\n\n${where(results)}${onceNote(rows)}`;
}

/** kernelsTable: every function at the chapter's size. */
export function kernelsTable(results: Results): string {
  const rows = results.rows.filter(({ group, scale }) => group === 'kernels' && scale === 'chapter');
  return `${bySize(rows, false)}\n\n${where(results)}${onceNote(rows)}`;
}

/** deviceTable: every function at the chapter's size, with the machine's processor and its graphics device beside each other. */
export function deviceTable(results: Results): string {
  const rows = results.rows.filter(({ group, scale }) => group === 'kernels' && scale === 'chapter'), variants = unique(rows.map(({ variant }) => variant));
  const body = unique(rows.map(({ name, size }) => `${name}\n${size}`)).map((key) => {
    const [name, size] = key.split('\n'), of = (variant: string): Row | undefined => rows.find((row) => row.name === name && row.size === size && row.variant === variant);
    return [`\`${name}\``, size, of('loop')!.unit, ...variants.map((variant) => cell(of(variant))), over(fastestOf(variants.map(of), 'gpu'), fastestOf(variants.map(of), 'simd'))];
  });
  return `${table(['', 'size', 'unit', ...variants, 'gpu over SIMD'], body)}\n\n${where(results)}${onceNote(rows)}`;
}

/** deviceTrainingTable: whole steps, by the tape with SIMD and on the graphics device. */
export function deviceTrainingTable(results: Results): string {
  const rows = results.rows.filter(({ group }) => group === 'training'), variants = unique(rows.map(({ variant }) => variant));
  const body = unique(rows.map(({ name }) => name)).map((name) => {
    const these = rows.filter((row) => row.name === name);
    return [`\`${name}\``, these[0].size, these[0].unit, ...variants.map((variant) => cell(these.find((row) => row.variant === variant))), over(fastestOf(these, 'gpu'), fastestOf(these, 'simd'))];
  });
  return `${table(['', 'size', 'unit', ...variants, 'gpu over SIMD'], body)}\n\n${where(results)}`;
}

const fastestOf = (rows: readonly (Row | undefined)[], kind: string): Row | undefined => rows.filter((row) => row?.variant.startsWith(kind)).sort((a, b) => a!.milliseconds - b!.milliseconds)[0];
const over = (row: Row | undefined, other: Row | undefined): string => (row && other ? `${figure(row.median / other.median)} x` : '');

/** trainingTable: whole steps, loop beside SIMD, and SIMD on several threads. */
export function trainingTable(results: Results): string {
  const rows = results.rows.filter(({ group }) => group === 'training'), variants = unique(rows.map(({ variant }) => variant));
  const body = unique(rows.map(({ name }) => name)).map((name) => {
    const of = (variant: string): Row | undefined => rows.find((row) => row.name === name && row.variant === variant), simd = of('simd');
    return [`\`${name}\``, rows.find((row) => row.name === name)!.size, ...variants.map((variant) => cell(of(variant))), times(simd)];
  });
  return `${table(['steps a second', 'size', ...variants.map(shownVariant), 'SIMD over loop'], body)}\n\n${where(results)}`;
}

/** solversTable: whole passes, loop beside SIMD, SIMD on two threads, and the native libraries. */
export const solversTable = (results: Results, native: Native): string => beside(results, native, 'solvers', (row) => [`\`${row.name}\``, row.size], ['seconds a sweep', 'size']);

const shownVariant = (variant: string): string => variant.replace('simd-fma', 'fused').replace('simd', 'SIMD');

/** epochsTable: whole epochs of stochastic gradient descent. */
export const epochsTable = (results: Results, native: Native): string => beside(results, native, 'epochs', (row) => [`\`${row.name}\``, `${row.scale}: ${row.size}`], ['M samples a second', 'size']);

/** recommendationsTable: the ten best items of every user, and of each query of an index. */
export const recommendationsTable = (results: Results, native: Native): string => beside(results, native, 'recommendations', (row) => [row.size], ['thousand users a second']);

/** A line a size: what `first` says of it, a column a variant, and what the native libraries have on one thread and on two. */
function beside(results: Results, native: Native, group: Row['group'], first: (row: Row) => string[], head: readonly string[]): string {
  const rows = results.rows.filter((row) => row.group === group), variants = unique(rows.map(({ variant }) => variant));
  const body = unique(rows.map(({ name, scale, size }) => `${name}\n${scale}\n${size}`)).map((key) => {
    const is = (row: Pick<Row, 'group' | 'name' | 'scale' | 'size'>): boolean => row.group === group && `${row.name}\n${row.scale}\n${row.size}` === key, these = rows.filter(is), others = native.rows.filter(is);
    const said = (threads: 'one' | 'two'): string => others.flatMap((row) => row[threads] === undefined ? [] : [`${row.library} ${figure(row[threads])}`]).join(', ');
    return [...first(these[0]), ...variants.map((variant) => cell(these.find((row) => row.variant === variant))), said('one'), said('two')];
  });
  return `${table([...head, ...variants.map(shownVariant), 'native, 1 thread', '2 threads'], body)}\n\n${where(results)}${onceNote(rows)} Native: ${native.compiled}, on ${native.machine}.`;
}

/** metricsTable: the metrics by every way, in nanoseconds a row of the data. */
export function metricsTable(results: Results): string {
  const rows = results.rows.filter(({ group }) => group === 'metrics'), names = unique(rows.map(({ name }) => name));
  const of = (name: string, variant: string): Row | undefined => rows.find((row) => row.name === name && row.variant === variant);
  const body = unique(rows.map(({ variant }) => variant)).map((variant) => [variant, ...names.flatMap((name) => [cell(of(name, variant)), times(of(name, variant))])]);
  return `${table(['', ...names.flatMap((name) => [`\`${name}\`, ${rows.find((row) => row.name === name)!.unit}`, 'over loop'])], body)}\n\n${where(results)}${onceNote(rows)}`;
}

/** limitsTable: what one thread can do at most. */
export function limitsTable(results: Results): string {
  const limits = results.limits!;
  const body = limits.memory.map(({ bytes, read, copy, update, triad }) => [sizeOf(bytes), ...[read, copy, update, triad].map(figure)]);
  const fused = limits.fused === null ? 'this runtime has no fused multiply-add' : `${figure(limits.fused)} GFLOP/s with fused multiply-add`;
  return `${table(['working set', 'read, GB/s', 'copy', 'update', 'triad'], body)}\n\nMultiply and add in registers: ${figure(limits.multiplyAdd)} GFLOP/s; ${fused}. ${spreadOf(limits)} ${where(results)}`;
}

/** rivalsTable: the same work in every library; refusals as refusals, and what they say below the table. */
export function rivalsTable(results: Results): string {
  const works = unique([...results.rows, ...results.refusals.filter(({ name }) => name !== 'start')].map(({ name, size }) => `${name}\n${size}`));
  const rivals = unique([...Object.keys(results.versions ?? {}), ...results.rows.map(({ variant }) => variant)]), notes: string[] = [];
  const body = rivals.map((rival) => [`${rival} ${results.versions?.[rival] ?? ''}`.trim(), ...works.map((key) => {
    const [name, size] = key.split('\n'), is = (entry: { name: string; size: string; variant: string }): boolean => entry.name === name && entry.size === size && entry.variant === rival;
    const row = results.rows.find(is), refusal = results.refusals.find(is);
    if (refusal) notes.push(`${rival}, ${name}: ${refusal.why}`);
    return row ? cell(row) : refusal ? 'refused' : '';
  })]);
  const unitOf = (name: string): string => results.rows.find((row) => row.name === name)?.unit ?? '';
  const head = works.map((key) => { const [name, size] = key.split('\n'); return `${name}, ${size}, ${unitOf(name)}`; });
  return [table(['', ...head], body), '', `${where(results)}${onceNote(results.rows)}`, ...(notes.length > 0 ? ['', ...notes.map((note) => `- ${note.replace(/\s+/g, ' ')}`)] : [])].join('\n');
}

/** approximateTable: ExactIndex beside the graph, by how many items there are, and up to how many ExactIndex is the faster one. */
export function approximateTable({ machine, runtime, commit, usearch, K, queries, block, places, target, rows }: Approximate): string {
  const least = ({ graphs }: SizeRow): GraphRow | undefined => graphs.find(({ isLeast }) => isLeast), usual = ({ graphs }: SizeRow): GraphRow => graphs.find(({ isDefault }) => isDefault)!;
  const body = rows.map((row) => {
    const { items, exact } = row, one = usual(row), other = least(row);
    return [items.toLocaleString('en-US'), figure(exact.one), figure(exact.block), figure(one.one), figure(one.block), one.recall.toFixed(3), figure(one.buildSeconds), ...(other ? [String(other.expansionSearch), figure(other.one), figure(other.block), other.recall.toFixed(3)] : ['', '', '', ''])];
  });
  const head = ['items', 'exact, ms', 'in blocks', 'usearch, ms', 'in blocks', `recall@${places}`, 'made in, s', `\`expansionSearch\` for ${target}`, 'ms', 'in blocks', `recall@${places}`];
  const upTo = (of: (row: SizeRow) => GraphRow | undefined, way: 'one' | 'block'): string => { const n = crossing(rows, of, way); return n === null ? 'none of these' : Number(n.toPrecision(2)).toLocaleString('en-US'); };
  return `${table(head, body)}

ExactIndex is the faster one up to about ${upTo(usual, 'one')} items, asked one query at a time, and ${upTo(usual, 'block')} in blocks of ${block}, beside usearch as it is; ${upTo(least, 'one')} and ${upTo(least, 'block')} beside the least \`expansionSearch\` that finds ${100 * target} in a hundred. ${K} numbers a vector, ${queries} queries, one thread; usearch ${usearch}; ${machine.cpu}, ${machine.cores} cores, ${runtime}; commit ${commit}.`;
}

/** The number of items at which both take as long: on the line, of logarithms, between the sizes around it. Null where one is the faster at all sizes. */
function crossing(rows: readonly SizeRow[], of: (row: SizeRow) => GraphRow | undefined, way: 'one' | 'block'): number | null {
  const ratios = rows.flatMap((row) => { const graph = of(row); return graph ? [{ n: Math.log(row.items), ratio: Math.log(row.exact[way] / graph[way]) }] : []; }), at = ratios.findIndex(({ ratio }) => ratio > 0);
  if (at <= 0) return null;
  const [a, b] = [ratios[at - 1], ratios[at]];
  return Math.exp(a.n + ((b.n - a.n) * -a.ratio) / (b.ratio - a.ratio));
}
/** packageTable: the entries of the packed package. */
export function packageTable({ machine, runtime, commit, tarball, installed, learning, entries }: PackageResults): string {
  const rows = entries.map(({ name, files, bytes, gzipped, milliseconds: { median, low, high } }) => [`\`${name}\``, String(files), (bytes / 1000).toFixed(0), (gzipped / 1000).toFixed(1), `${median.toFixed(1)} (${low.toFixed(1)} to ${high.toFixed(1)})`]);
  return `${table(['entry', 'files', 'kB', 'kB, gzipped', 'to import, ms'], rows)}\n\nThe first \`fit\` of a model of \`tightrec\` loads ${learning.files} files more, ${(learning.gzipped / 1000).toFixed(1)} kB gzipped.\nThe tarball has ${(tarball / 1000).toFixed(0)} kB; installed, with what it depends on, it takes ${(installed / 1e6).toFixed(2)} MB.\n${machine.cpu}, ${machine.cores} cores, ${runtime}; medians of 30 new processes, and quartiles; commit ${commit}.`;
}
