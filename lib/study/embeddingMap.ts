import { TightrecError, describe } from '../errors.ts';
import { pca } from '../linalg/pca.ts';
import { count, escaped } from './page.ts';

/** EmbeddingMap: what a map of vectors shows. Every array has an entry for each of the n vectors. */
export interface EmbeddingMap {
  /** Unique in its page: letters, digits and hyphens. */
  readonly id: string;
  readonly title: string;
  readonly about: string;
  /** Shapes: data (n, K), shape [n, K]. */
  readonly vectors: { readonly data: Float32Array; readonly shape: readonly number[] };
  /** What the vectors are of, in the plural, such as 'films'. */
  readonly items: string;
  /** The name of each. */
  readonly labels: readonly string[];
  /** The one group of each, which gives the colour, '' for none, and what groups are, such as 'genre'. The GROUPS largest are told apart; the others, and none, are one. */
  readonly groups: readonly string[];
  readonly groupName: string;
  /** How large each is, from 0 up, and in what, such as 'ratings': the area of the point, and the colour if one switches to it. */
  readonly sizes: ArrayLike<number>;
  readonly sizeName: string;
}

/** GROUPS: more colours than this could not be told apart by everybody. */
const GROUPS = 6, OTHER = 6;

/** Steps of the sequential colour, with as many items each; names on the map. */
const STEPS = 5, NAMED = 12;

/** In units of the picture, which is as wide as a page's panel in pixels: the letters are those of the page. */
const WIDTH = 1000, MARGIN = 34, SMALL = 2.2, LARGE = 10, LETTER = 6.6, LINE = 16;

interface Point { readonly at: number; readonly x: number; readonly y: number; readonly r: number; readonly group: number; readonly step: number }
interface Box { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number }

/**
 * embeddingMap: where vectors lie along the two directions in which they differ most, as a figure of HTML and SVG that needs no script: a point each, its area by size, its colour by group or, at the turn of a
 * switch, by size; its name when one points at it; the names of the largest beside them; and a table with the same for those who do not see it. Both axes have the same scale.
 * Errors: 'bad-shape' where arrays differ in length; 'bad-input' for sizes below 0 or not finite, and labels and groups that are no texts; as of pca.
 */
export function embeddingMap({ id, title, about, vectors, items, labels, groups, groupName, sizes, sizeName }: EmbeddingMap): string {
  const [n, K] = vectors.shape;
  for (const [name, { length }] of Object.entries({ labels, groups, sizes })) if (length !== n) throw new TightrecError('bad-shape', `embeddingMap: expected ${name} of all ${n} vectors, got ${length}`);
  for (let at = 0; at < n; at++) {
    if (!(sizes[at] >= 0 && sizes[at] < Infinity)) throw new TightrecError('bad-input', `embeddingMap: sizes must be finite numbers from 0 up, got ${describe(sizes[at])} at position ${at}`);
    for (const [name, texts] of Object.entries({ labels, groups })) if (typeof texts[at] !== 'string') throw new TightrecError('bad-input', `embeddingMap: ${name} must be texts, got ${describe(texts[at])} at position ${at}`);
  }
  const { variances, total, coordinates } = pca(vectors, Math.min(2, K)), C = variances.length, share = (c: number): string => `${((100 * (variances[c] ?? 0)) / (total || 1)).toFixed(0)} %`;
  const x = Array.from({ length: n }, (_, at) => coordinates[at * C]), y = Array.from({ length: n }, (_, at) => (C > 1 ? coordinates[at * C + 1] : 0));
  const [left, right] = ends(x), [bottom, top] = ends(y), scale = (WIDTH - 2 * MARGIN) / (right - left || 1), height = Math.min(0.8 * WIDTH, Math.max(0.3 * WIDTH, (top - bottom) * scale + 2 * MARGIN)), tight = Math.min(scale, (height - 2 * MARGIN) / (top - bottom || 1));

  const largest = Array.from(sizes).reduce((most, size) => Math.max(most, size), 1), { names, indexOf } = rankedGroups(groups), steps = stepsOf(sizes);
  const points = Array.from({ length: n }, (_, at): Point => ({
    at, x: WIDTH / 2 + (x[at] - (left + right) / 2) * tight, y: height / 2 - (y[at] - (bottom + top) / 2) * tight, r: SMALL + (LARGE - SMALL) * Math.sqrt(sizes[at] / largest), group: indexOf.get(groups[at]) ?? OTHER, step: steps.of(sizes[at]),
  })).sort((a, b) => sizes[b.at] - sizes[a.at] || a.at - b.at); // the large ones first, so that the small ones lie on them
  const { texts, lines } = named(points, labels, height), round = (value: number): string => String(Number(value.toFixed(1))), groupOf = (at: number): string => groups[at] || `other ${groupName}`, said = (at: number): string => `${labels[at]} · ${groupOf(at)} · ${count(sizes[at])} ${sizeName}`;
  const dots = points.toSorted((a, b) => Number(b.group === OTHER) - Number(a.group === OTHER)).map(({ at, x: cx, y: cy, r, group, step }) => `<circle class="g${group} q${step}" cx="${round(cx)}" cy="${round(cy)}" r="${round(r)}"><title>${escaped(said(at))}</title></circle>`);
  const key = [...names.map((name, group) => ({ name, group })), ...(points.some(({ group }) => group === OTHER) ? [{ name: `other ${groupName}s`, group: OTHER }] : [])];
  const described = `${count(n)} ${items}; ${share(0)} of the variance lies along the horizontal, ${share(1)} along the vertical axis.`;

  return `<figure class="panel map" id="${id}"><figcaption><h3>${escaped(title)}</h3><p>${escaped(about)}</p></figcaption>
<fieldset class="switch"><legend>Colour by</legend><label><input type="radio" name="${id}-by" class="by-group" checked> ${escaped(groupName)}</label><label><input type="radio" name="${id}-by" class="by-size"> ${escaped(sizeName)}</label></fieldset>
<div class="wide" tabindex="0" role="group" aria-label="${escaped(`${title}: the map`)}"><svg viewBox="0 0 ${WIDTH} ${Math.round(height)}" role="img" aria-label="${escaped(`${title}. ${described} The numbers are below.`)}">
<text class="axis" x="${WIDTH - 6}" y="${Math.round(height) - 8}" text-anchor="end">first component, ${share(0)} of the variance →</text>
<text class="axis" transform="translate(14 6) rotate(-90)" text-anchor="end">second, ${share(1)} →</text>
<g>${dots.join('\n')}</g>
${lines.map((line) => `<path d="M${line.map(round).join(' ')}"/>`).join('')}
${texts.map(({ text, x: tx, y: ty }) => `<text x="${round(tx)}" y="${round(ty)}">${escaped(text)}</text>`).join('\n')}
</svg></div>
<ul class="key by-group">${key.map(({ name, group }) => `<li class="k${group}"><i class="g${group}"></i>${escaped(name)}</li>`).join('')}</ul>
<ul class="key by-size">${steps.names.map(({ step, name }) => `<li><i class="q${step}"></i>${name}</li>`).join('')}<li>${escaped(sizeName)}</li></ul>
<details><summary>The numbers</summary><p>${escaped(described)}</p><div class="wide" tabindex="0" role="group" aria-label="${escaped(`${title}: numbers`)}">${tableOf(['', items, 'first, in the mean', 'second'], key.map(({ name, group }) => {
  const own = points.filter((point) => point.group === group), mean = (values: readonly number[]): string => (own.reduce((sum, { at }) => sum + values[at], 0) / own.length).toFixed(3);
  return [name, count(own.length), mean(x), mean(y)];
}))}${tableOf(['', groupName, sizeName, 'first', 'second'], points.slice(0, NAMED).map(({ at }) => [labels[at], groupOf(at), count(sizes[at]), x[at].toFixed(3), y[at].toFixed(3)]))}</div></details></figure>`;
}

/** The smallest and the largest; 0 and 0 of none. */
const ends = (values: readonly number[]): [number, number] => values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [values[0] ?? 0, values[0] ?? 0]);

/** The largest groups; equal ones by name. */
function rankedGroups(groups: readonly string[]): { names: string[]; indexOf: Map<string, number> } {
  const counts = new Map<string, number>();
  for (const name of groups) if (name !== '') counts.set(name, (counts.get(name) ?? 0) + 1);
  const names = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).slice(0, GROUPS).map(([name]) => name);
  return { names, indexOf: new Map(names.map((name, at) => [name, at])) };
}

/** Steps with about as many items each: what they are called, and which one a size is in. Fewer where many sizes are equal. */
function stepsOf(sizes: ArrayLike<number>): { names: { step: number; name: string }[]; of: (size: number) => number } {
  const sorted = Array.from(sizes).sort((a, b) => a - b), from = [...new Set(Array.from({ length: STEPS }, (_, step) => sorted[Math.floor((step * sorted.length) / STEPS)] ?? 0))];
  const below = (step: number): number => sorted.findLast((size) => size < from[step + 1]) ?? from[step], to = (step: number): number => (step + 1 < from.length ? below(step) : sorted.at(-1) ?? 0);
  const first = STEPS - from.length; // the strongest colour is for the largest
  return {
    names: from.map((size, step) => ({ step: first + step, name: size === to(step) ? count(size) : `${count(size)}–${count(to(step))}` })),
    of: (size) => first + from.findLastIndex((start) => size >= start),
  };
}

/** The names of the largest points, each where it covers no other name: near its point, or farther away with a line to it, or nowhere. */
function named(points: readonly Point[], labels: readonly string[], height: number): { texts: { text: string; x: number; y: number }[]; lines: number[][] } {
  const texts: { text: string; x: number; y: number }[] = [], lines: number[][] = [], taken: Box[] = points.slice(0, NAMED).map(({ x, y, r }) => ({ left: x - r, right: x + r, top: y - r, bottom: y + r }));
  for (const { at, x, y, r } of points.slice(0, NAMED)) {
    const text = labels[at].length > 34 ? `${labels[at].slice(0, 33)}…` : labels[at], width = text.length * LETTER;
    const place = [0, 14, 28, 46, 70].flatMap((far) => DIRECTIONS.map(([dx, dy]) => {
      const reach = r + 4 + far, px = x + dx * reach, py = y + dy * reach, left = px - (width * (1 - dx)) / 2, top = py - (LINE * (1 - dy)) / 2;
      return { far, px, py, box: { left, right: left + width, top, bottom: top + LINE } };
    })).find(({ box }) => box.left > 20 && box.right < WIDTH - 4 && box.top > 4 && box.bottom < height - 24 && taken.every((other) => box.right < other.left || box.left > other.right || box.bottom < other.top || box.top > other.bottom));
    if (place === undefined) continue;
    taken.push(place.box);
    texts.push({ text, x: place.box.left, y: place.box.bottom - 4 });
    if (place.far > 0) lines.push([x, y, place.px, place.py]);
  }
  return { texts, lines };
}

/** From a point to its name: to the right if there is room. */
const DIRECTIONS = [[1, 0], [-1, 0], [0, -1], [0, 1], [0.8, -0.8], [0.8, 0.8], [-0.8, -0.8], [-0.8, 0.8]] as const;

const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]): string => `<table><thead><tr>${head.map((name, at) => `<th scope="col"${at > 0 ? ' class="n"' : ''}>${escaped(name)}</th>`).join('')}</tr></thead><tbody>${rows.map(([name, ...cells]) =>
  `<tr><th scope="row">${escaped(name)}</th>${cells.map((cell) => `<td class="n">${escaped(cell)}</td>`).join('')}</tr>`).join('')}</tbody></table>`;
