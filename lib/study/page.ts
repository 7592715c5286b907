import { readFile } from 'node:fs/promises';
import type { Machine } from './machine.ts';
import { fileOf } from './packageRoot.ts';
import { css, script } from './reportPage.ts';

// What the reports of all studies have in common.

/** What a report of ours says in its head. */
export const GENERATOR = 'tightrec study';

/** Chart: what the script in the page draws. Shapes: x, ticks, y, shown (points). */
export interface Chart {
  id: string;
  kind: 'line' | 'bars';
  title: string;
  about: string;
  hint: string; // below the chart, until a point is chosen
  x: number[];
  from?: number; // where the x axis begins and ends
  to?: number;
  ticks?: string[]; // names of the points, where they are no numbers
  series: { label: string; colour: string; y: number[]; shown: number[] }[]; // shown differs from y where bars are stacked
  xLabel: string;
  yLabel: string;
  digits: number;
  bottom?: number; // where the y axis begins, if not at 0
  top?: number; // where it ends
  log?: boolean; // both axes
  marks?: { y: number; label: string; side?: 'left' }[];
}

export const count = (value: number): string => value.toLocaleString('en');

/** escaped: text as HTML shows it, in an element or in a quoted attribute. */
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** jsonInHtml: JSON that cannot end the script element it stands in. */
export const jsonInHtml = (value: unknown): string => JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Page: what differs from report to report; all of it HTML but the title. */
export interface Page { readonly title: string; readonly heading: string; readonly lead: string; readonly warning: string | null; readonly body: string; readonly charts: readonly Chart[]; readonly footer: string }

/**
 * pageOf: one HTML file that needs nothing else: no network, no other file. uPlot, which draws the charts, is copied into it.
 */
export async function pageOf({ title, heading, lead, warning, body, charts, footer }: Page): Promise<string> {
  const [uPlot, uPlotCss] = await Promise.all(['uplot/dist/uPlot.iife.min.js', 'uplot/dist/uPlot.min.css'].map((path) => readFile(fileOf(path), 'utf8')));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="${GENERATOR}">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)} · tightrec</title>
<style>${uPlotCss}${css}</style>
</head>
<body>
<a class="skip" href="#results">Skip to the results</a>
<header class="top">
<div>
<p class="eyebrow">tightrec study</p>
<h1>${heading}</h1>
<p class="lead">${lead}</p>
</div>
<button id="theme" type="button" hidden>Dark</button>
</header>
<main id="results">
${warning === null ? '' : `<p class="warning">${warning}</p>`}
${body}
</main>
<footer>${footer}Charts: uPlot, MIT licence.</footer>
<script type="application/json" id="charts">${jsonInHtml(charts)}</script>
<script>${uPlot}</script>
<script>${script}</script>
</body>
</html>
`;
}

/** figure: the place of a chart, with its numbers as a table. */
export function figure(chart: Chart): string {
  const { id, title, about, series, x, ticks, xLabel, digits } = chart;
  const legend = series.length < 2 ? '' : `<ul class="key">${series.toReversed().map(({ label, colour }) => `<li><i style="--colour: var(--${colour})"></i>${escaped(label)}</li>`).join('')}</ul>`;
  const numbers = x.map((value, at) => `<tr><th scope="row">${escaped(ticks ? ticks[at] : count(value))}</th>${series.map(({ shown }) => `<td class="n">${digits > 0 ? shown[at].toFixed(digits) : count(shown[at])}</td>`).join('')}</tr>`).join('');
  return `<figure class="panel"><figcaption><h3>${escaped(title)}</h3><p>${escaped(about)}</p></figcaption>
<div class="chart" id="${id}" tabindex="0" role="img" aria-label="${escaped(`${title}. ${about}`)}" aria-describedby="${id}-reading"></div>${legend}
<output class="reading" id="${id}-reading"></output>
<details><summary>The numbers</summary><div class="wide" tabindex="0" role="group" aria-label="${escaped(`${title}: numbers`)}"><table><thead><tr><th scope="col">${escaped(xLabel)}</th>${series.map(({ label }) => `<th scope="col" class="n">${escaped(label)}</th>`).join('')}</tr></thead><tbody>${numbers}</tbody></table></div></details></figure>`;
}

/** settingsOf: the settings of each model. */
export const settingsOf = (rows: readonly (readonly [name: string, settings: string])[]): string => `<section aria-labelledby="settings"><h2 id="settings">Settings</h2>
<div class="panel wide settings"><table><thead><tr><th scope="col">Model</th><th scope="col">Settings</th></tr></thead><tbody>${rows.map(([name, settings]) =>
  `<tr><th scope="row">${escaped(name)}</th><td><code>${escaped(settings || 'none')}</code></td></tr>`).join('')}</tbody></table></div></section>`;

/** madeBy: where, with what, and how again. */
export const madeBy = ({ source, seed, machine, versions, again }: { source: string; seed: number; machine: Machine; versions: Record<string, string>; again: string }): string => `<section aria-labelledby="made"><h2 id="made">How this was made</h2>
<div class="panel"><dl class="pairs">
${Object.entries({ 'Data': source, 'Seed': String(seed), 'Processor': `${machine.cpu}, ${machine.cores} cores, ${machine.threads} at work, ${machine.memoryGiB} GiB`, 'System': machine.system, 'Kernels': machine.kernels, 'Versions': Object.entries(versions).map((pair) => pair.join(' ')).join(', ') })
  .map(([name, value]) => `<dt>${name}</dt><dd>${escaped(value)}</dd>`).join('\n')}
<dt>Again</dt><dd><code>${again}</code> gives the same figures; only the seconds differ</dd>
</dl></div></section>`;
