import { MODELS, STUDY_MODELS } from './models.ts';
import { type Chart, count, escaped, figure, madeBy, pageOf, settingsOf } from './page.ts';
import type { ModelResult, StudyResult } from './study.ts';
import { ACCURACY, TITLES, leakedLine, notesOf, ofMetric, partsOf, seconds, settingsLine } from './table.ts';

const percent = (value: number): string => `${(100 * value).toFixed(0)} %`;

/** reportOf: the study as one HTML file. Whatever comes from the data is escaped. */
export function reportOf(result: StudyResult): Promise<string> {
  const { data, title, machine, versions, seed } = result, curves = curveCharts(result), shapes = shapeCharts(result);
  return pageOf({
    title, heading: `${escaped(data.generated ? 'Generated data' : 'Online Retail')}: what will they buy next?`,
    lead: `${count(data.rows)} purchases, ${period(result)}. Every model learns from those before 9 October 2011, and names five items for each later invoice${ofMetric(result.models, 'accuracy').length > 0 ? ', or for each of its rows' : ''}.`,
    warning: data.generated ? '<strong>These are generated data</strong> of the shape of Online Retail, made up because the real transactions could not be had or were not asked for. The figures say how the models do on them, and nothing about the real shop.' : null,
    body: `${(['precision', 'accuracy'] as const).map((metric) => results(result, metric)).join('')}
${curves.length === 0 ? '' : `<section aria-labelledby="curves"><h2 id="curves">How they got there</h2>
<p class="quiet">${metricsOf(result)} on validation, measured after every epoch (every third where there are many; for the purchase history, for every half-life tried). ${metricsOf(result).includes(' or, ') ? 'Those of one metric are on one scale' : 'All on one scale'}.</p>
<div class="grid">${curves.map(figure).join('')}</div></section>`}
<section aria-labelledby="data"><h2 id="data">The data</h2>
${facts(result)}
${pieces(result)}
<div class="grid">${shapes.map(figure).join('')}${topItems(result)}</div></section>
${settingsOf(result.models.map(({ name, settings }) => [name, settingsLine(settings)]))}
${madeBy({ source: data.source, seed, machine, versions, again: againWith(result) })}`,
    charts: [...curves, ...shapes],
    footer: data.generated ? '' : 'Data: Online Retail, Daqing Chen (2015), UCI Machine Learning Repository, <a href="https://doi.org/10.24432/C5BW33">doi 10.24432/C5BW33</a>, CC BY 4.0. ',
  });
}

/** The command that measures the same. */
function againWith({ data, models, seed }: StudyResult): string {
  const asked = STUDY_MODELS.filter((name) => models.some((model) => model.name.startsWith(name))).join(',');
  const which = asked === MODELS.join(',') ? '' : asked === STUDY_MODELS.join(',') ? ' --all' : ` --models ${asked}`;
  return `npx tightrec study${data.generated ? ' --data generated' : ''}${which} --seed ${seed}`;
}

function period({ data: { shape: { months } } }: StudyResult): string {
  const name = (month: string) => new Date(`${month}-01`).toLocaleDateString('en', { month: 'long', year: 'numeric', timeZone: 'UTC' });
  return `${name(months[0].month)} to ${name(months[months.length - 1].month)}`;
}

/** The metrics of the curves: 'precision@5', 'precision@5 or, for the next item, accuracy@5'. */
function metricsOf({ models }: StudyResult): string {
  const drawn = models.filter(({ curve }) => curve.length > 0), k = drawn[0]?.k;
  return (['precision', 'accuracy'] as const).filter((metric) => ofMetric(drawn, metric).length > 0).map((metric) => `${metric}@${k}`).join(' or, for the next item, ');
}

/** The table of a metric, with what it means; nothing where no model has it. */
function results({ models: all, data }: StudyResult, metric: ModelResult['metric']): string {
  const models = ofMetric(all, metric), precision = metric === 'precision';
  if (models.length === 0) return '';
  const notes = notesOf(models), scale = Math.max(...models.flatMap(({ validation, test, published }) => [validation, test, published ?? 0]), 1e-9) * 1.04, best = Math.max(...models.map(({ test }) => test));
  const mark = (note: string | null) => (note === null ? '' : `<sup><a href="#${metric}-note-${notes.indexOf(note) + 1}" aria-label="note ${notes.indexOf(note) + 1}">${notes.indexOf(note) + 1}</a></sup>`);
  const at = (value: number) => `${((100 * value) / scale).toFixed(2)}%`;
  const rows = models.map((model) => `<tr${model.test === best ? ' class="best"' : ''}><th scope="row">${escaped(model.name)}${mark(model.note)}</th>
<td class="n">${model.validation.toFixed(4)}</td><td class="n t">${model.test.toFixed(4)}</td>
<td class="bars" aria-hidden="true"><div class="track" style="--colour: var(--${colourOf(all, all.indexOf(model))})"><i style="width: ${at(model.test)}"></i><b style="left: ${at(model.validation)}"></b>${model.published === null ? '' : `<s style="left: ${at(model.published)}"></s>`}</div></td>
${precision ? `<td class="n">${model.published === null ? '<span class="quiet">none</span>' : model.published}${mark(model.publishedNote)}</td>` : ''}<td class="n">${seconds(model.fitSeconds)}</td></tr>`).join('\n');
  const lead = models.find(({ test }) => test === best)!, baseline = models.find(({ name }) => name === (precision ? 'popularity' : 'sequential'));
  const sentence = models.length < 2 ? '' : `<p>On the test month <strong>${escaped(lead.name)}</strong> does best: ${(100 * lead.test).toFixed(1)} ${precision ? 'rows of the invoice for every 100 items it names' : 'of every 100 rows of an invoice are among the five that it names for them'}${baseline && baseline !== lead ? `, ${(lead.test / baseline.test).toFixed(1)} times what the five most bought items${precision ? '' : ' that it does not hold yet'} give` : ''}.</p>`;
  const meaning = precision
    ? `precision@5 is the number of invoice rows whose item is among the five named, over 5 for each invoice. An invoice without a customer, or with one that train does not know, gets the five most bought items of train. Validation: ${count(data.validation.invoices)} invoices, ${count(data.validation.known)} of them of known customers; test: ${count(data.test.invoices)}, ${count(data.test.known)}.`
    : `${ACCURACY}. It does not compare with precision@5. The LSTMs learn from all ${count(data.train.rows)} rows of train, with or without a customer. Validation: ${count(data.validation.rows)} rows; test: ${count(data.test.rows)}.`;
  return `<section aria-labelledby="results-${metric}"><h2 id="results-${metric}">${TITLES[metric]}</h2>
${sentence}
<div class="panel wide results"><table><thead><tr><th scope="col">Model</th><th scope="col" class="n">Validation</th><th scope="col" class="n">Test</th><td class="bars"></td>${precision ? '<th scope="col" class="n">Published</th>' : ''}<th scope="col" class="n">Fit</th></tr></thead>
<tbody>${rows}</tbody></table></div>
<ul class="key" aria-hidden="true"><li><i></i>test</li><li><b></b>validation</li>${models.some(({ published }) => published !== null) ? '<li><s></s>published, on validation</li>' : ''}</ul>
<ol class="notes">${notes.map((note, n) => `<li id="${metric}-note-${n + 1}">${escaped(note)}.</li>`).join('')}</ol>
<p class="notes" style="padding: 0">${meaning}</p>${parts(models)}</section>`;
}

/** What the accuracy of each LSTM is made of, and what the published evaluation would say of it. */
function parts(models: readonly ModelResult[]): string {
  const leaked = leakedLine(models);
  if (leaked === null) return '';
  return `
<div class="grid"><div class="panel wide"><h3>By the customer of the invoice, and from the row before alone</h3><table><thead><tr><th scope="col">Model</th><th scope="col">On</th><th scope="col" class="n">Known</th><th scope="col" class="n">New</th><th scope="col" class="n">None</th><th scope="col" class="n">Zero state</th></tr></thead>
<tbody>${partsOf(models).map(([name, piece, ...figures]) => `<tr><th scope="row">${escaped(name)}</th><td>${piece}</td>${figures.map((figure) => `<td class="n">${figure}</td>`).join('')}</tr>`).join('\n')}</tbody></table></div></div>
<p class="notes" style="padding: 0">${escaped(leaked)}.</p>`;
}

const COLOURS = ['grey', 'blue', 'green', 'vermillion', 'purple', 'orange'];
const colourOf = (models: readonly ModelResult[], at: number): string => (models[at].name === 'popularity' ? 'grey' : COLOURS[1 + ((at - Number(models[0].name === 'popularity')) % 5)]);

function curveCharts({ models, data }: StudyResult): Chart[] {
  const highest = (metric: ModelResult['metric']) => Math.max(...ofMetric(models, metric).flatMap(({ curve, published, validation }) => [validation, published ?? 0, ...curve.map((point) => point.validation)]));
  const top = (metric: ModelResult['metric']) => Math.ceil(highest(metric) * 1.08 * 50) / 50, popularity = models.find(({ name }) => name === 'popularity');
  const baseline = { precision: popularity && { label: 'popularity', y: popularity.validation }, accuracy: { label: 'sequential', y: data.sequentialBaseline.validation } };
  return models.flatMap((model, m): Chart[] => {
    const { curve, name, published, metric, k } = model, compared = baseline[metric];
    if (curve.length === 0) return [];
    const halfLives = curve[0].halfLife !== undefined, x = curve.map((point, at) => (halfLives ? at : point.epoch!)), y = curve.map(({ validation }) => validation);
    const best = y.indexOf(Math.max(...y)), what = halfLives ? `a half-life of ${curve[best].halfLife} days` : `epoch ${curve[best].epoch}`;
    const marks: Chart['marks'] = [
      ...(published === null ? [] : [{ y: published, label: `published ${published}`, side: 'left' as const }]),
      ...(compared ? [{ y: compared.y, label: `${compared.label} ${compared.y.toFixed(4)}` }] : []),
    ];
    return [{
      id: `curve-${m}`, kind: 'line', title: halfLives ? name.replace('half-life', 'by half-life') : name, about: `Best at ${what}: ${y[best].toFixed(4)}.${halfLives || best === y.length - 1 ? '' : ` The table has the last: ${y[y.length - 1].toFixed(4)}.`}`,
      hint: 'Point at the curve, or use the arrow keys.', x, from: halfLives ? -0.4 : 0, to: halfLives ? x.length - 0.6 : x[x.length - 1], ...(halfLives && { ticks: curve.map(({ halfLife }) => String(halfLife)) }),
      series: [{ label: `${metric}@${k}`, colour: colourOf(models, m), y, shown: y }],
      xLabel: halfLives ? 'half-life, days' : 'epoch', yLabel: `${metric}@${k}`, digits: 4, top: top(metric), marks,
    }];
  });
}

function shapeCharts({ data: { shape } }: StudyResult): Chart[] {
  const { months, popularity, invoiceSizes, invoiceRows, topTenth } = shape, hint = 'Point at the chart, or use the arrow keys.';
  const name = (month: string) => new Date(`${month}-01`).toLocaleDateString('en', { month: 'short', timeZone: 'UTC' }) + (month.endsWith('-01') || month === months[0].month || month === months[months.length - 1].month ? ` ${month.slice(2, 4)}` : '');
  // stacked: the tallest is drawn first, the others over it
  const stacked = [
    { label: 'test', colour: 'vermillion', y: months.map((m) => m.train + m.validation + m.test), shown: months.map((m) => m.test) },
    { label: 'validation', colour: 'orange', y: months.map((m) => m.train + m.validation), shown: months.map((m) => m.validation) },
    { label: 'train', colour: 'blue', y: months.map((m) => m.train), shown: months.map((m) => m.train) },
  ];
  const rows = popularity.map((point) => point.rows), invoices = invoiceSizes.map((bin) => bin.invoices);
  return [
    { id: 'months', kind: 'bars', title: 'Rows by month', about: 'Train to 8 October 2011, then a month of validation, then test.', hint, x: [...months.keys()], ticks: months.map(({ month }) => name(month)), series: stacked, xLabel: 'month', yLabel: 'rows', digits: 0 },
    { id: 'popularity', kind: 'line', title: 'How unequal the items are', about: `The most bought tenth of the items takes ${percent(topTenth)} of train's rows. Both axes are logarithmic.`, hint, x: popularity.map(({ rank }) => rank), series: [{ label: 'rows', colour: 'blue', y: rows, shown: rows }], xLabel: 'rank of the item', yLabel: 'rows in train', digits: 0, log: true },
    { id: 'sizes', kind: 'bars', title: 'How long invoices are', about: `Half of them have ${count(invoiceRows.median)} rows or fewer; the mean is ${invoiceRows.mean.toFixed(1)}, the longest ${count(invoiceRows.largest)}.`, hint, x: [...invoices.keys()], ticks: invoiceSizes.map(({ from, to }) => (to - from === 1 ? String(from) : `${from}–${to - 1}`)), series: [{ label: 'invoices', colour: 'blue', y: invoices, shown: invoices }], xLabel: 'rows of an invoice', yLabel: 'invoices', digits: 0 },
  ];
}

function facts({ data }: StudyResult): string {
  const list: [string, string][] = [
    ['rows', count(data.rows)], ['invoices', count(data.train.invoices + data.validation.invoices + data.test.invoices)], ['items', count(data.items)], ['customers in train', count(data.customers)],
    ['filled of the matrix', `${((100 * data.train.pairs) / (data.train.matrix[0] * data.train.matrix[1])).toFixed(2)} %`],
  ];
  const left = [data.cancelled > 0 ? `${count(data.cancelled)} rows of cancelled invoices` : '', data.skipped > 0 ? `${count(data.skipped)} rows that do not parse` : ''].filter((text) => text !== '');
  return `<dl class="facts">${list.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('')}</dl>${left.length > 0 ? `<p class="quiet">Left out: ${left.join(', ')}.</p>` : ''}`;
}

function pieces({ data }: StudyResult): string {
  const row = (name: string, when: string, { rows, invoices, known, new: unknown, none }: StudyResult['data']['validation']) =>
    `<tr><th scope="row">${name}<small>${when}</small></th><td class="n">${count(rows)}</td><td class="n">${count(invoices)}</td><td class="n">${count(known)}</td><td class="n">${count(unknown)}</td><td class="n">${count(none)}</td></tr>`;
  const accuracy = data.sequentialBaseline, { k } = accuracy;
  return `<div class="panel wide pieces"><table><thead><tr><th scope="col">Piece</th><th scope="col" class="n">Rows</th><th scope="col" class="n">Invoices</th><th scope="col" class="n">of known<br>customers</th><th scope="col" class="n">of new<br>customers</th><th scope="col" class="n">of<br>nobody</th></tr></thead><tbody>
${row('Train', 'before 9 October 2011', data.train)}${row('Validation', 'to before 9 November', data.validation)}${row('Test', 'from 9 November', data.test)}</tbody></table></div>
<p class="notes" style="padding: 0">Those that learn from pairs have the ${count(data.train.rowsWithCustomer)} rows of train with a customer: ${count(data.train.pairs)} pairs in a matrix of ${count(data.train.matrix[0])} customers × ${count(data.train.matrix[1])} items. For sequence models: naming the ${k} most bought items that the invoice does not hold yet is right for ${accuracy.validation.toFixed(4)} of the rows of validation, ${accuracy.test.toFixed(4)} of test (accuracy@${k}).</p>`;
}

function topItems({ data: { shape: { top } } }: StudyResult): string {
  return `<div class="panel wide"><h3>The most bought items of train</h3><table><thead><tr><th scope="col">Code</th><th scope="col">Description</th><th scope="col" class="n">Rows</th></tr></thead><tbody>${top.map(({ stockCode, description, rows }) =>
    `<tr><td>${escaped(stockCode)}</td><td>${escaped(description)}</td><td class="n">${count(rows)}</td></tr>`).join('')}</tbody></table></div>`;
}
