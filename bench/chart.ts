import { type Results, type Row, figure } from './results.ts';

/** What a variant is drawn as: a colour by day and by night, and a shape, so that nobody needs the colours. */
const marks: readonly { variant: string; light: string; dark: string; shape: 'circle' | 'square' | 'diamond' | 'up' | 'down' }[] = [
  { variant: 'simd', light: '#0b6bcb', dark: '#6cb6ff', shape: 'circle' },
  { variant: 'simd-fma', light: '#0a7f5a', dark: '#4fd1a5', shape: 'square' },
  { variant: 'ndarray', light: '#b35900', dark: '#ffb454', shape: 'diamond' },
  { variant: 'gpu cpu', light: '#8a3ffc', dark: '#c4a1ff', shape: 'up' },
  { variant: 'gpu webasm', light: '#c2255c', dark: '#ff8fb4', shape: 'down' },
  { variant: 'gpu webgl2', light: '#5c5c00', dark: '#d6d65c', shape: 'up' },
  { variant: 'gpu webgpu', light: '#7a0000', dark: '#ff9c8f', shape: 'square' },
];

const escape = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.codePointAt(0)};`);

/**
 * overLoopChart: how many times as fast as the loop each variant is, a line a function, on a logarithmic axis. SVG that stands alone: it is read by
 * day and by night, and without colours.
 */
export function overLoopChart(results: Results, scale = 'chapter'): string {
  const rows = results.rows.filter((row, at, all) => row.group === 'kernels' && row.scale === scale && row.variant !== 'loop' && row.overLoop !== undefined
    && all.findIndex(({ name, variant, scale }) => name === row.name && variant === row.variant && scale === row.scale) === at); // the first of several sizes
  const names = [...new Set(rows.map(({ name }) => name))], used = marks.filter(({ variant }) => rows.some((row) => row.variant === variant));
  const ratios = rows.map(({ overLoop }) => overLoop!), low = Math.min(-1, Math.floor(Math.log10(Math.min(...ratios)))), high = Math.max(1, Math.ceil(Math.log10(Math.max(...ratios))));
  const left = 150, width = 760, right = 24, top = 84, step = 22, bottom = top + step * names.length;
  const x = (ratio: number): number => Math.round(10 * (left + (width - left - right) * (Math.log10(ratio) - low) / (high - low))) / 10;
  const decades = Array.from({ length: high - low + 1 }, (_, at) => low + at);
  const label = (power: number): string => (power < 0 ? `1/${10 ** -power}` : String(10 ** power));

  const style = [
    'text{font:13px system-ui,sans-serif;fill:#1f2328}', '.quiet{fill:#59636e}', '.line{stroke:#d1d9e0}', '.one{stroke:#59636e;stroke-width:1.5}',
    ...used.map(({ light }, at) => `.m${at}{fill:${light}}`),
    `@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.quiet{fill:#9198a1}.line{stroke:#3d444d}.one{stroke:#9198a1}${used.map(({ dark }, at) => `.m${at}{fill:${dark}}`).join('')}}`,
  ].join('');
  let legendAt = left;
  const legend = used.map(({ variant, shape }, at) => {
    const text = `${mark(shape, `m${at}`, legendAt, 41)}<text x="${legendAt + 10}" y="45">${variant}</text>`;
    legendAt += 30 + 7.5 * variant.length;
    return text;
  });
  const lines = names.map((name, at) => {
    const y = top + step * (at + 0.5);
    const points = rows.filter((row) => row.name === name).map((row): string => {
      const which = used.findIndex(({ variant }) => variant === row.variant);
      return which < 0 ? '' : mark(used[which].shape, `m${which}`, x(row.overLoop!), y, `${row.name}, ${row.variant}: ${figure(row.overLoop!)} times the loop, ${describe(row)}`);
    });
    return `<line class="line" x1="${left}" x2="${width - right}" y1="${y}" y2="${y}" stroke-dasharray="1 3"/><text x="${left - 10}" y="${y + 4}" text-anchor="end">${name}</text>${points.join('')}`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + 34}" width="${width}" height="${bottom + 34}" role="img" aria-label="Speed of every kernel variant over the loop">`,
    `<style>${style}</style>`,
    `<text x="${left}" y="20">Times as fast as the loop, at the ${scale === 'chapter' ? "chapter's" : scale} sizes</text>`,
    ...legend,
    ...decades.map((power) => `<line class="${power === 0 ? 'one' : 'line'}" x1="${x(10 ** power)}" x2="${x(10 ** power)}" y1="${top - 8}" y2="${bottom}"/><text class="quiet" x="${x(10 ** power)}" y="${top - 13}" text-anchor="middle">${label(power)}</text>`),
    ...lines,
    `<text class="quiet" x="${left}" y="${bottom + 22}">${escape(`${results.machine.cpu}, ${results.runtime}, one thread; commit ${results.commit}`)}</text>`,
    '</svg>', '',
  ].join('\n');
}

const describe = (row: Row): string => `${figure(row.median)} ${row.unit}`;

function mark(shape: (typeof marks)[number]['shape'], name: string, x: number, y: number, title = ''): string {
  const inside = title === '' ? '' : `<title>${escape(title)}</title>`, at = `transform="translate(${x} ${y})" class="${name}"`;
  if (shape === 'circle') return `<circle r="5" ${at}>${inside}</circle>`;
  const path = { square: 'M-4.5-4.5h9v9h-9z', diamond: 'M0-6 6 0 0 6-6 0z', up: 'M0-5.5 5.5 4.5h-11z', down: 'M0 5.5 5.5-4.5h-11z' }[shape];
  return `<path d="${path}" ${at}>${inside}</path>`;
}
