/**
 * What every report has in it: the style sheet, and the script that draws the charts with uPlot. Kept as text because it runs in the reader's
 * browser and not here.
 */

const light = `
  --paper: #faf9f6; --panel: #ffffff; --ink: #1d2126; --muted: #5d646d; --rule: #e2e0da; --grid: #eceae5; --wash: #f3f1ec;
  --blue: #0072b2; --vermillion: #c4540a; --green: #00805e; --purple: #a0508b; --orange: #b87a00; --grey: #6b7280; --warn: #fff3d6; --warn-ink: #6b4a00;
  --map0: #0056c5; --map1: #c43809; --map2: #04bf6a; --map3: #765b80; --map4: #e6b800; --map5: #1d2126; --map6: #b9bdc3;`;
const dark = `
  --paper: #131519; --panel: #1a1d23; --ink: #e9e7e2; --muted: #a0a8b2; --rule: #2f343d; --grid: #262b33; --wash: #20242b;
  --blue: #5ab4ea; --vermillion: #ff8f5a; --green: #3fcba3; --purple: #dd9fca; --orange: #edb13c; --grey: #97a0ab; --warn: #3a2f12; --warn-ink: #f3d58f;
  --map0: #769dff; --map1: #f07a3d; --map2: #40e18b; --map3: #e486c3; --map4: #ffd03c; --map5: #e9e7e2; --map6: #5b626d;`;

/**
 * Okabe and Ito's colours, darker on white and lighter on black, so that they can be told apart by everybody. Those of the map, which stand side by side in small points, are farther apart: for every two of them
 * the distance in Lab (1976) is at least 32 on white and 26 on black, also as people without one kind of cone see them (Machado, Oliveira, Fernandes 2009).
 */
export const css: string = `
:root { color-scheme: light;${light} }
@media (prefers-color-scheme: dark) { :root:not([data-theme=light]) { color-scheme: dark;${dark} } }
:root[data-theme=dark] { color-scheme: dark;${dark} }
@media print { :root:root:root { color-scheme: light;${light} --paper: #fff; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif; }
main, header.top, footer { max-width: 66rem; margin: 0 auto; padding: 0 1.5rem; }
header.top { padding-top: 2.5rem; display: flex; gap: 1.5rem; justify-content: space-between; align-items: flex-start; }
h1 { font-size: clamp(1.7rem, 1.2rem + 2vw, 2.4rem); line-height: 1.15; letter-spacing: -.02em; margin: .1rem 0 .5rem; font-weight: 680; text-wrap: balance; }
h2 { font-size: 1.3rem; line-height: 1.25; letter-spacing: -.01em; margin: 0 0 .35rem; font-weight: 650; }
h3 { font-size: 1rem; margin: 0; font-weight: 620; }
p { margin: 0 0 1rem; max-width: 44rem; }
.eyebrow { color: var(--muted); font-size: .8rem; letter-spacing: .08em; text-transform: uppercase; margin: 0; }
.lead, .quiet { color: var(--muted); }
.lead { font-size: 1.05rem; margin: 0; }
section { margin-top: 3rem; }
a { color: var(--blue); }
button { font: inherit; font-size: .875rem; color: var(--ink); background: var(--panel); border: 1px solid var(--rule); border-radius: .5rem; padding: .35rem .8rem; cursor: pointer; white-space: nowrap; }
button:hover { border-color: var(--muted); }
:focus-visible { outline: 2px solid var(--blue); outline-offset: 2px; border-radius: .3rem; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--panel); padding: .4rem .8rem; z-index: 9; }
.warning { background: var(--warn); color: var(--warn-ink); border-radius: .6rem; padding: .8rem 1.1rem; margin: 1.5rem 0 0; max-width: none; }
.panel { background: var(--panel); border: 1px solid var(--rule); border-radius: .8rem; padding: 1.1rem 1.25rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .94rem; }
th, td { text-align: left; padding: .55rem .75rem; border-bottom: 1px solid var(--rule); vertical-align: baseline; }
tbody tr:last-child > * { border-bottom: 0; }
thead th, thead td { color: var(--muted); font-weight: 500; font-size: .8rem; white-space: nowrap; border-bottom-color: var(--muted); vertical-align: bottom; }
tbody th { font-weight: 500; }
th:first-child, td:first-child { padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
.n { text-align: right; white-space: nowrap; }
tr.best .t { font-weight: 700; }
sup { font-size: .7em; line-height: 0; margin-left: .15em; }
sup a { text-decoration: none; }
.grid > .panel.wide table { font-size: .86rem; margin-top: .5rem; }
.grid > .panel.wide :is(th, td) { padding-top: .32rem; padding-bottom: .32rem; }
th small, td small { display: block; color: var(--muted); font-weight: 400; font-size: .8rem; }
td.bars { min-width: 13rem; vertical-align: middle; }
.track { position: relative; height: 1.1rem; }
.track i { position: absolute; left: 0; top: .2rem; height: .7rem; border-radius: 0 .2rem .2rem 0; background: var(--colour); opacity: .85; }
.track b { position: absolute; top: -.05rem; height: 1.2rem; width: 0; border-left: 2px solid var(--ink); }
.track s { position: absolute; top: .29rem; width: .55rem; height: .55rem; margin-left: -.27rem; background: var(--panel); border: 2px solid var(--ink); transform: rotate(45deg); }
.key { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; color: var(--muted); font-size: .82rem; margin: .9rem 0 0; padding: 0; list-style: none; }
.key li { display: flex; align-items: center; gap: .5rem; }
.key i { width: 1.3rem; height: .7rem; border-radius: .2rem; background: var(--colour, var(--grey)); }
.key b { height: 1.1rem; border-left: 2px solid var(--ink); }
.key s { width: .55rem; height: .55rem; border: 2px solid var(--ink); transform: rotate(45deg); }
.notes { color: var(--muted); font-size: .86rem; margin: 1rem 0 0; padding-left: 1.3rem; max-width: 52rem; }
.notes li { margin-bottom: .3rem; }
.films { columns: 2 20rem; column-gap: 3.4rem; margin: 0; padding: .4rem 1rem .4rem 2.6rem; }
.films li { break-inside: avoid; padding: .12rem 0; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1.1rem; margin-top: 1.1rem; }
figure { margin: 0; min-width: 0; }
figcaption p { color: var(--muted); font-size: .86rem; margin: .1rem 0 .6rem; }
.chart { height: 15rem; }
.reading { display: block; min-height: 1.4em; color: var(--muted); font-size: .82rem; font-variant-numeric: tabular-nums; margin-top: .35rem; }
details { margin-top: .35rem; font-size: .86rem; }
summary { color: var(--muted); cursor: pointer; width: fit-content; }
details .wide { max-height: 16rem; overflow: auto; margin-top: .5rem; }
details table { font-size: .82rem; width: auto; }
details th, details td { padding: .2rem .9rem .2rem 0; }
dl.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 1rem; margin: 1.1rem 0; }
dl.facts div { border-left: 3px solid var(--rule); padding-left: .8rem; }
dt { color: var(--muted); font-size: .82rem; }
dd { margin: 0; font-variant-numeric: tabular-nums; }
dl.facts dd { font-size: 1.4rem; font-weight: 620; letter-spacing: -.01em; line-height: 1.3; }
dl.pairs { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.5rem; margin: 0; font-size: .92rem; }
dl.pairs dd { overflow-wrap: anywhere; }
code { font: .86em ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; background: var(--wash); border-radius: .3rem; padding: .1em .35em; overflow-wrap: anywhere; }
.settings code { background: none; padding: 0; color: var(--ink); }
${[0, 1, 2, 3, 4, 5, 6].map((group) => `.map .g${group} { --group: var(--map${group}); }`).join(' ')}
${[16, 36, 58, 82].map((strength, step) => `.map .q${step} { --step: color-mix(in oklab, var(--map0) ${strength}%, var(--panel)); }`).join(' ')} .map .q4 { --step: color-mix(in oklab, var(--map0) 66%, var(--ink)); }
.map svg { display: block; width: 100%; min-width: 44rem; height: auto; }
.map circle { fill: var(--group); fill-opacity: .82; stroke: var(--panel); stroke-width: .6; }
.map:has(input.by-size:checked) circle { fill: var(--step); fill-opacity: .9; stroke: var(--map6); stroke-width: .4; }
.map circle:hover { stroke: var(--ink); stroke-width: 1.5; }
.map text { font-size: 12.5px; fill: var(--ink); paint-order: stroke; stroke: var(--panel); stroke-width: 4px; stroke-linejoin: round; pointer-events: none; }
.map text.axis { font-size: 11.5px; fill: var(--muted); }
.map table + table { margin-top: 1rem; }
.map path { stroke: var(--muted); stroke-width: .8; pointer-events: none; }
.map .key i { width: .8rem; height: .8rem; border-radius: 50%; background: var(--group, var(--step)); }
.map:has(input.by-size:checked) .key.by-group, .map:has(input.by-group:checked) .key.by-size { display: none; }
${[0, 1, 2, 3, 4, 5, 6].map((group) => `.map:has(.k${group}:hover) circle:not(.g${group})`).join(', ')} { opacity: .08; }
.switch { border: 0; margin: 0 0 .4rem; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; font-size: .86rem; }
.switch legend { float: left; padding: 0; margin-right: .3rem; color: var(--muted); }
.switch label { display: flex; align-items: center; gap: .35rem; cursor: pointer; }
.switch input { margin: 0; accent-color: var(--blue); }
footer { color: var(--muted); font-size: .84rem; margin-top: 3.5rem; padding-bottom: 3rem; }
@media (max-width: 46rem) {
  main, header.top, footer { padding-left: 1rem; padding-right: 1rem; }
  header.top { padding-top: 1.5rem; }
  .bars { display: none; }
  .results + .key { display: none; }
  th, td { padding: .5rem .4rem; }
  table { font-size: .88rem; }
  .panel { padding: .9rem; }
  dl.facts { grid-template-columns: 1fr 1fr; }
  .results tr { display: grid; grid-template-columns: repeat(4, 1fr); }
  .pieces tr { display: grid; grid-template-columns: repeat(5, 1fr); align-items: end; }
  .settings tr { display: grid; }
  :is(.results, .pieces, .settings) tr { border-bottom: 1px solid var(--rule); padding: .35rem 0; }
  :is(.results, .pieces, .settings) tbody tr:last-child { border-bottom: 0; }
  :is(.results, .pieces, .settings) :is(th, td) { border: 0; padding: .15rem 0; }
  :is(.results, .pieces) tbody th { grid-column: 1 / -1; font-weight: 600; }
  :is(.results, .pieces) thead th:first-child, .settings thead { display: none; }
  .pieces thead th { font-size: .72rem; white-space: normal; }
  .pieces th small { display: inline; margin-left: .5rem; }
}
@media print {
  body { font-size: 11pt; }
  button, .skip, details, .reading, .switch { display: none; }
  .track i, .key i, .map circle, .warning { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .grid { display: block; }
  .grid > * { margin-bottom: 1rem; }
  .panel, figure, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
  .chart { height: 225px; }
  section { margin-top: 1.8rem; }
  main, header.top, footer { max-width: none; padding: 0; }
}
/* uPlot */
.u-over:focus { outline: none; }
.u-legend { display: none; }
`;

/** Draws every chart of #charts into the element that has its id, and keeps it in step with width, theme and keys. */
export const script = `
(() => {
  const charts = JSON.parse(document.getElementById('charts').textContent), root = document.documentElement, plots = [];
  const colour = (name) => getComputedStyle(root).getPropertyValue('--' + name).trim();
  const font = (size, weight) => (weight || 400) + ' ' + size + 'px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
  const short = (v) => v >= 1e6 ? v / 1e6 + 'M' : v >= 1e3 ? v / 1e3 + 'k' : String(v);
  const full = (v, digits) => v == null ? '' : v.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

  function axis(chart, which) {
    const isX = which === 'x', ticks = chart.ticks, log = chart.log;
    const decades = log && { filter: (u, at) => at.map((v) => Math.abs(Math.log10(v) - Math.round(Math.log10(v))) > 1e-9 ? null : v) };
    return {
      label: isX ? chart.xLabel : chart.yLabel, labelFont: font(12, 500), labelSize: isX ? 20 : 22, labelGap: isX ? 0 : 4, font: font(11.5), size: isX ? 28 : chart.digits ? 46 : 42, gap: 5,
      stroke: () => colour('muted'), grid: { show: !isX || log, stroke: () => colour('grid'), width: 1, ...decades }, ticks: { show: isX, stroke: () => colour('rule'), size: 4, ...decades },
      ...(isX && ticks && {
        splits: (u) => { const step = Math.ceil(ticks.length * (14 + 6 * Math.max(...ticks.map((tick) => tick.length))) / Math.max(100, u.width - 70)); return ticks.map((_, at) => at).filter((at) => at % step === 0); },
        values: (u, at) => at.map((k) => ticks[k]),
      }),
      ...(isX && !ticks && !log && { incrs: [1, 2, 5, 10, 20, 30, 60, 90, 180], space: 40 }),
      ...(log && { ...decades, values: (u, at) => at.map((v) => v == null ? '' : short(v)) }),
      ...(!isX && !log && { space: 34, values: (u, at) => at.map((v) => chart.digits ? v.toFixed(2) : short(v)) }),
    };
  }

  /** Lines across the chart for figures to compare with, each with its name on it. */
  function drawMarks(u, marks) {
    const { ctx } = u, ratio = devicePixelRatio, { left, width } = u.bbox;
    ctx.save();
    for (const mark of marks) {
      const y = Math.round(u.valToPos(mark.y, 'y', true));
      ctx.strokeStyle = ctx.fillStyle = colour('muted');
      ctx.lineWidth = ratio;
      ctx.setLineDash([3 * ratio, 4 * ratio]);
      ctx.beginPath(); ctx.moveTo(left, y); ctx.lineTo(left + width, y); ctx.stroke();
      ctx.font = font(11 * ratio); ctx.textAlign = mark.side === 'left' ? 'left' : 'right'; ctx.textBaseline = 'bottom';
      ctx.fillText(mark.label, mark.side === 'left' ? left + 6 * ratio : left + width - 4 * ratio, y - 3 * ratio);
    }
    ctx.restore();
  }

  for (const chart of charts) {
    const place = document.getElementById(chart.id), reading = document.getElementById(chart.id + '-reading'), n = chart.x.length, bars = chart.kind === 'bars';
    const say = (at) => {
      reading.textContent = at == null || at < 0 ? chart.hint : [(chart.ticks ? '' : chart.xLabel + ' ') + (chart.ticks ? chart.ticks[at] : full(chart.x[at], 0))].concat(chart.series.filter((s) => s.shown[at]).map((s) => s.label + ' ' + full(s.shown[at], chart.digits))).join(' · ');
    };
    const plot = new uPlot({
      width: place.clientWidth, height: place.clientHeight, pxAlign: 1, padding: [12, 10, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { show: !bars, size: 8 } },
      scales: {
        x: { time: false, ...(chart.log && { distr: 3 }), ...(!chart.log && { range: () => bars ? [-0.6, n - 0.4] : [chart.from, chart.to] }) },
        y: chart.log ? { distr: 3 } : { range: (u, low, high) => [chart.bottom || 0, chart.top || high * 1.08] },
      },
      axes: [axis(chart, 'x'), axis(chart, 'y')],
      series: [{}].concat(chart.series.map((s) => ({
        label: s.label, stroke: () => colour(s.colour), width: bars ? 0 : 2, points: { show: !bars && !chart.log && n <= 12, size: 6, fill: () => colour('panel') },
        ...(bars && { fill: () => colour(s.colour), paths: uPlot.paths.bars({ size: [0.72, 64], radius: 0.12 }) }),
      }))),
      hooks: { draw: [(u) => drawMarks(u, chart.marks || [])], setCursor: [(u) => say(u.cursor.left < 0 ? null : u.cursor.idx)] },
    }, [chart.x].concat(chart.series.map((s) => s.y)), place);
    plots.push({ plot, place });
    say(null);

    place.addEventListener('keydown', (event) => {
      const now = plot.cursor.idx == null || plot.cursor.left < 0 ? -1 : plot.cursor.idx;
      const next = { ArrowRight: Math.min(n - 1, now + 1), ArrowLeft: Math.max(0, now - 1), Home: 0, End: n - 1 }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      plot.setCursor({ left: plot.valToPos(chart.x[next], 'x'), top: plot.over.clientHeight / 2 });
    });
    place.addEventListener('blur', () => plot.setCursor({ left: -10, top: -10 }));
  }

  const redraw = () => { for (const { plot } of plots) plot.redraw(false, true); };
  const fitAll = () => { for (const { plot, place } of plots) if (place.clientWidth > 0 && (place.clientWidth !== plot.width || place.clientHeight !== plot.height)) plot.setSize({ width: place.clientWidth, height: place.clientHeight }); };
  if ('ResizeObserver' in window) { const watch = new ResizeObserver(fitAll); for (const { place } of plots) watch.observe(place); }
  else addEventListener('resize', fitAll);

  const system = matchMedia('(prefers-color-scheme: dark)'), button = document.getElementById('theme');
  const isDark = () => root.dataset.theme ? root.dataset.theme === 'dark' : system.matches;
  const label = () => { button.textContent = isDark() ? 'Light' : 'Dark'; button.setAttribute('aria-label', 'Show in ' + (isDark() ? 'light' : 'dark') + ' colours'); };
  button.hidden = false;
  button.addEventListener('click', () => { root.dataset.theme = isDark() ? 'light' : 'dark'; label(); redraw(); });
  system.addEventListener('change', () => { label(); redraw(); });
  label();

  let before;
  addEventListener('beforeprint', () => {
    before = root.dataset.theme;
    root.dataset.theme = 'light';
    for (const { plot } of plots) plot.setSize({ width: 640, height: 220 }); // fits on A4 and on letter paper
    redraw();
  });
  addEventListener('afterprint', () => { if (before === undefined) delete root.dataset.theme; else root.dataset.theme = before; fitAll(); redraw(); });
})();
`;
