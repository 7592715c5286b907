import { embeddingMap } from './embeddingMap.ts';
import { MOVIELENS_MODELS, RETRIEVAL_MODELS } from './models.ts';
import { LIKED } from './movieLens.ts';
import type { FilmList, MovieLensResult } from './movieLensResult.ts';
import { movieLensNotes } from './movieLensTable.ts';
import { type Chart, count, escaped, figure, madeBy, pageOf, settingsOf } from './page.ts';
import { type Section, bestRow } from './sections.ts';
import { seconds, settingsLine } from './table.ts';

const COLOURS = ['blue', 'green', 'vermillion', 'purple', 'orange'];

/** What each study says of itself, and of its map. */
const PAGES: Record<MovieLensResult['study'], { heading: string; lead: string; mapped: string; all: readonly string[] }> = {
  movielens: {
    heading: 'stars, likes, and people who are new', lead: 'Models that predict how many stars a film gets, and models that name films somebody will like.',
    mapped: 'The model was told who likes what, and nothing of genres.', all: MOVIELENS_MODELS,
  },
  'movielens-retrieval': {
    heading: 'from who asks, and when, to a ranked list', lead: 'Two towers that know people and films by their features, and a network that knows what somebody rated last: which film comes next?',
    mapped: 'The model was told titles, their words, and who rated what when; nothing of genres.', all: RETRIEVAL_MODELS,
  },
};

/** movieLensReport: a study of MovieLens as one HTML file. Whatever comes from the data is escaped. */
export function movieLensReport(result: MovieLensResult, models: readonly string[] = PAGES[result.study].all): Promise<string> {
  const { study, data, title, sections, lists, map, machine, versions, seed } = result, curves = sections.flatMap(curveCharts), shapes = dataCharts(result), { heading, lead, mapped, all } = PAGES[study];
  return pageOf({
    title, heading: `${data.generated ? 'Generated ratings' : 'MovieLens 100k'}: ${heading}`,
    lead: `${count(data.ratings)} ratings of ${count(data.items)} films by ${count(data.users)} users. ${lead}`,
    warning: data.generated ? '<strong>These are generated ratings</strong> of the shape of MovieLens 100k, made up because the real ones could not be had or were not asked for. The figures say how the models do on them, and nothing about real people.' : null,
    body: `${sections.map(resultsOf).join('')}${lists.map(listOf).join('')}
${map === null ? '' : `<section aria-labelledby="map"><h2 id="map">What it learned of the films</h2>
<p class="quiet">${mapped}</p>
${embeddingMap(map)}</section>`}
${curves.length === 0 ? '' : `<section aria-labelledby="curves"><h2 id="curves">How they got there</h2>
<p class="quiet">Measured after every epoch, or every few where there are many.</p>
<div class="grid">${curves.map(figure).join('')}</div></section>`}
<section aria-labelledby="data"><h2 id="data">The data</h2>
${facts(result)}
<div class="grid">${shapes.map(figure).join('')}</div></section>
${settingsOf([...new Map(sections.flatMap(({ rows }) => rows).map(({ name, settings }): [string, [string, string]] => [`${name}\n${settingsLine(settings)}`, [name, settingsLine(settings)]])).values()])}
${madeBy({ source: data.source, seed, machine, versions, again: `npx tightrec study ${study}${data.generated ? ' --data generated' : ''}${models.length === all.length ? '' : ` --models ${models.join(',')}`} --seed ${seed}` })}`,
    charts: [...curves, ...shapes],
    footer: data.generated ? '' : 'Data: MovieLens 100k, F. Maxwell Harper and Joseph A. Konstan, "The MovieLens Datasets: History and Context", 2015, <a href="https://doi.org/10.1145/2827872">doi 10.1145/2827872</a>. ',
  });
}

/** A section: its table, the best figure of each measure in bold, what was measured, and the notes. */
function resultsOf(section: Section): string {
  const { id, title, about, measures, publishedOf, rows } = section, notes = movieLensNotes(section), best = measures.map((_, at) => bestRow(section, at)), published = rows.some((row) => row.published !== null);
  const mark = (note: string | null): string => (note === null ? '' : `<sup><a href="#${id}-note-${notes.indexOf(note) + 1}" aria-label="note ${notes.indexOf(note) + 1}">${notes.indexOf(note) + 1}</a></sup>`);
  const figureOf = (value: number | null, digits: number, isBest: boolean): string => (value === null ? '<td class="n"><span class="quiet">none</span></td>' : `<td class="n">${isBest ? `<strong>${value.toFixed(digits)}</strong>` : value.toFixed(digits)}</td>`);
  return `<section aria-labelledby="results-${id}"><h2 id="results-${id}">${escaped(title)}</h2>
<div class="panel wide sections"><table><thead><tr><th scope="col">Model</th>${measures.map(({ name }, at) => `<th scope="col" class="n">${escaped(name)}</th>${published && at === publishedOf ? '<th scope="col" class="n">published</th>' : ''}`).join('')}<th scope="col" class="n">Fit</th></tr></thead>
<tbody>${rows.map((row, r) => `<tr><th scope="row">${escaped(row.name)}${mark(row.note)}</th>${measures.map(({ digits }, at) => `${figureOf(row.figures[at], digits, rows.length > 1 && best[at] === r)}${published && at === publishedOf ? `<td class="n">${row.published === null ? '<span class="quiet">none</span>' : row.published}${mark(row.publishedNote)}</td>` : ''}`).join('')}<td class="n">${seconds(row.fitSeconds)}</td></tr>`).join('\n')}</tbody></table></div>
<ol class="notes">${notes.map((note, n) => `<li id="${id}-note-${n + 1}">${escaped(note)}.</li>`).join('')}</ol>
<p class="notes" style="padding: 0">${escaped(about)}</p></section>`;
}

/** Films in the order of the list, with their genres. */
const listOf = ({ title, about, films }: FilmList, at: number): string => `<section aria-labelledby="list-${at}"><h2 id="list-${at}">${escaped(title)}</h2>
<p class="quiet">${escaped(about)}</p>
<div class="panel wide"><ol class="films">${films.map((film) => `<li>${escaped(film.title)} <span class="quiet">${escaped(film.genres.join(', '))}</span></li>`).join('')}</ol></div></section>`;

function curveCharts({ id, measures, curveOf, rows }: Section): Chart[] {
  const drawn = rows.filter(({ curve }) => curve.length > 0), lowest = Math.min(...drawn.flatMap(({ curve }) => curve.map(({ value }) => value))), bottom = measures[0].best === 'low' ? Math.floor(lowest * 19) / 20 : 0, top = Math.ceil(Math.max(...drawn.flatMap(({ curve }) => curve.map(({ value }) => value)), 0) * 1.08 * 50) / 50;
  return drawn.map((row, at): Chart => {
    const y = row.curve.map(({ value }) => value), best = y.indexOf(measures[0].best === 'high' ? Math.max(...y) : Math.min(...y)), { digits } = measures[0];
    return {
      id: `curve-${id}-${at}`, kind: 'line', title: row.name, about: `${curveOf}: best at epoch ${row.curve[best].epoch}, ${y[best].toFixed(digits)}.`, hint: 'Point at the curve, or use the arrow keys.',
      x: row.curve.map(({ epoch }) => epoch), from: 0, to: row.curve[row.curve.length - 1].epoch, series: [{ label: curveOf, colour: COLOURS[at % COLOURS.length], y, shown: y }],
      xLabel: 'epoch', yLabel: curveOf.split(' on ')[0], digits, bottom, top,
    };
  });
}

function facts({ data }: MovieLensResult): string {
  const list: [string, string][] = [
    ['ratings', count(data.ratings)], ['users', count(data.users)], ['films', count(data.items)], ['filled of the matrix', `${((100 * data.ratings) / (data.users * data.items)).toFixed(2)} %`], ['stars in the mean', data.mean.toFixed(2)],
    [`likes, ${LIKED} stars and more`, count(data.likes.train + data.likes.validation + data.likes.test)],
  ];
  return `<dl class="facts">${list.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('')}</dl>`;
}

function dataCharts({ data: { stars, popularity, perUser } }: MovieLensResult): Chart[] {
  const hint = 'Point at the chart, or use the arrow keys.', ratings = popularity.map((point) => point.ratings);
  return [
    { id: 'stars', kind: 'bars', title: 'How many stars', about: `A user has rated ${count(perUser.smallest)} to ${count(perUser.largest)} films, half of them ${count(perUser.median)} or fewer.`, hint, x: [...stars.keys()], ticks: stars.map((_, at) => String(at + 1)), series: [{ label: 'ratings', colour: 'blue', y: stars, shown: stars }], xLabel: 'stars', yLabel: 'ratings', digits: 0 },
    { id: 'popularity', kind: 'line', title: 'How unequal the films are', about: 'Both axes are logarithmic.', hint, x: popularity.map(({ rank }) => rank), series: [{ label: 'ratings', colour: 'blue', y: ratings, shown: ratings }], xLabel: 'rank of the film', yLabel: 'ratings', digits: 0, log: true },
  ];
}
