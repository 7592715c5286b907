/** Histogram: how many values were at most each bound, and their sum. */
interface Histogram { readonly counts: Float64Array; sum: number }

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const LISTS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

const newHistogram = (bounds: readonly number[]): Histogram => ({ counts: new Float64Array(bounds.length + 1), sum: 0 });

function observe({ counts }: Histogram, bounds: readonly number[], value: number): void {
  let at = 0;
  while (at < bounds.length && value > bounds[at]) at++;
  counts[at]++;
}

/** Metrics: what the server counts, for Prometheus to read. */
export class Metrics {
  readonly #requests = new Map<string, number>();
  readonly #seconds = new Map<string, Histogram>();
  readonly #blocks = newHistogram(LISTS);
  readonly #loads = { loaded: 0, refused: 0 };
  /** Requests that have come and have no answer yet. */
  inFlight = 0;

  answered(route: string, status: number, seconds: number): void {
    const labels = `route="${route}",status="${status}"`; // both are ours: no text of a request is a label
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1);
    let histogram = this.#seconds.get(route);
    if (histogram === undefined) this.#seconds.set(route, histogram = newHistogram(SECONDS));
    observe(histogram, SECONDS, seconds);
    histogram.sum += seconds;
  }

  scored(lists: number): void {
    observe(this.#blocks, LISTS, lists);
    this.#blocks.sum += lists;
  }

  loaded(outcome: 'loaded' | 'refused'): void { this.#loads[outcome]++; }

  /** text: all of it in Prometheus' text format, version 0.0.4. */
  text({ waiting, model, version }: { waiting: number; model: string; version: string }): string {
    return [
      ...family('tightrec_requests_total', 'counter', 'Requests answered, by route and status.', [...this.#requests].map(([labels, n]) => `{${labels}} ${n}`)),
      ...family('tightrec_request_seconds', 'histogram', 'From a request\'s head to its answer, by route.', [...this.#seconds].flatMap(([route, histogram]) => buckets(histogram, SECONDS, `route="${route}"`))),
      ...family('tightrec_block_lists', 'histogram', 'Lists that were scored together, as one block.', buckets(this.#blocks, LISTS)),
      ...family('tightrec_requests_in_flight', 'gauge', 'Requests that have come and have no answer yet.', [` ${this.inFlight}`]),
      ...family('tightrec_lists_waiting', 'gauge', 'Lists that wait to be scored.', [` ${waiting}`]),
      ...family('tightrec_model_loads_total', 'counter', 'Models taken into service, and refused.', Object.entries(this.#loads).map(([outcome, n]) => `{outcome="${outcome}"} ${n}`)),
      ...family('tightrec_model_info', 'gauge', 'The model in service: always 1.', [`{model="${escaped(model)}",version="${escaped(version)}"} 1`]),
    ].join('\n').concat('\n');
  }
}

/** A metric: its two comments and its samples; a sample that begins with _ has a suffix. */
const family = (name: string, type: string, help: string, samples: readonly string[]): string[] => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples.map((sample) => name + sample)];

function buckets({ counts, sum }: Histogram, bounds: readonly number[], labels = ''): string[] {
  let below = 0;
  const lines = [...bounds.map(String), '+Inf'].map((bound, at) => `_bucket{${labels}${labels && ','}le="${bound}"} ${below += counts[at]}`), braced = labels && `{${labels}}`;
  return [...lines, `_sum${braced} ${sum}`, `_count${braced} ${below}`];
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
