import type { Limits } from './limits.ts';

/** What a timing says, as it stands in the result files of bench, bench:browser and bench:rivals. */
export interface Row {
  readonly group: 'kernels' | 'metrics' | 'training' | 'solvers' | 'epochs' | 'recommendations' | 'rivals';
  /** The kernel's folder; of other groups, the same as `name`. */
  readonly kernel: string;
  /** The function, the model, or the work that rivals do. */
  readonly name: string;
  readonly scale: string;
  readonly size: string;
  readonly variant: string;
  readonly unit: Unit;
  /** By the median time of a run, in `unit`. */
  readonly median: number;
  /** The same by the quartiles of the time: the slow one and the fast one. */
  readonly low: number;
  readonly high: number;
  /** The median time of a run. */
  readonly milliseconds: number;
  readonly runs: number;
  /** A run took so long that it was timed once, after one to warm up or none. */
  readonly once?: true;
  /** How many times as fast as the loop in the same size. */
  readonly overLoop?: number;
  /** The shortest time that the machine's limit allows, over the time; and which limit. */
  readonly share?: number;
  readonly bound?: 'arithmetic' | 'memory';
}

export type Unit = 'GFLOP/s' | 'GB/s' | 'steps/s' | 's a sweep' | 'M samples/s' | 'k users/s' | 'k queries/s' | 'ns an element' | 'ms';

/** What was not timed, and why: the runtime or the library refused, or (`wrong`) the answer was not the loop's. */
export interface Refusal { readonly name: string; readonly size: string; readonly variant: string; readonly why: string; readonly wrong?: true }

export interface Machine { readonly cpu: string; readonly cores: number; readonly memoryGiB: number; readonly platform: string }

export interface Results {
  readonly machine: Machine;
  /** Node's or the browser's name and version. */
  readonly runtime: string;
  readonly commit: string;
  readonly threads: number;
  /** Of rivals, name and version. */
  readonly versions?: Readonly<Record<string, string>>;
  readonly limits: Limits | null;
  readonly rows: readonly Row[];
  readonly refusals: readonly Refusal[];
  readonly memory?: readonly { steps: number; inUse: number; size: number; rss: number }[];
}

/** Native libraries by the same work, measured once elsewhere: bench/results/native.json. `one` and, where it was measured, `two` are on so many threads, in the row's unit. */
export interface Native {
  readonly machine: string;
  readonly compiled: string;
  readonly rows: readonly (Pick<Row, 'group' | 'name' | 'scale' | 'size'> & { readonly library: string; readonly one: number; readonly two?: number })[];
}

/** A graph of usearch: milliseconds a query, recall@10, and how long it took to make. */
export interface GraphRow { readonly expansionSearch: number; readonly isDefault: boolean; readonly isLeast: boolean; readonly buildSeconds: number; readonly recall: number; readonly one: number; readonly block: number }

/** What was measured with so many items; `one` and `block` are milliseconds a query. */
export interface SizeRow { readonly items: number; readonly exact: { readonly one: number; readonly block: number }; readonly graphs: readonly GraphRow[] }

/** ExactIndex beside ApproximateIndex: bench/results/approximate.json. */
export interface Approximate extends Pick<Results, 'machine' | 'runtime' | 'commit'> {
  readonly kernels: string;
  readonly usearch: string;
  readonly K: number;
  readonly queries: number;
  readonly block: number;
  readonly places: number;
  readonly target: number;
  readonly mixture: { readonly clusters: number; readonly spread: number; readonly lengths: number };
  readonly rows: readonly SizeRow[];
}

/** The packed package: bench/results/package.json. Sizes in bytes; of an entry, those of all that it imports before it runs, gzipped each file by itself. */
export interface PackageResults {
  readonly machine: Machine;
  readonly runtime: string;
  readonly commit: string;
  readonly tarball: number;
  /** What node_modules takes on the disk, with what the package depends on. */
  readonly installed: number;
  /** What the first fit of a model of the default entry loads besides it. */
  readonly learning: { readonly files: number; readonly gzipped: number };
  readonly entries: readonly { readonly name: string; readonly files: number; readonly bytes: number; readonly gzipped: number; readonly milliseconds: { readonly median: number; readonly low: number; readonly high: number } }[];
}

/** figure: three digits. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return Number(value.toPrecision(3)).toLocaleString('en-US', { minimumFractionDigits: Math.min(digits, 6), maximumFractionDigits: Math.min(digits, 6) });
}
