/** One thing to time. */
export interface Case {
  readonly group: 'kernels' | 'training';
  readonly name: string;
  readonly size: string;
  readonly variant: string;
  readonly unit: 'GFLOP/s' | 'GB/s' | 'steps/s';
  /** Units of work in one run: steps, or billions of operations or bytes. */
  readonly work: number;
  /** Makes the arrays, checks the variant against the loop, and gives what is timed. */
  prepare(): Promise<Prepared>;
}

export interface Prepared { run(): unknown; done(): void }

/** What a timing says, as it stands in the results file. */
export interface Row {
  readonly group: string;
  readonly name: string;
  readonly size: string;
  readonly variant: string;
  readonly unit: string;
  /** Work by the median time of a run, in `unit`. */
  readonly median: number;
  /** The same by the quartiles of the time: the slow one and the fast one. */
  readonly low: number;
  readonly high: number;
  readonly runs: number;
  /** Median speed over that of the loop in the same size. */
  readonly overLoop: number;
}

export interface Results {
  readonly machine: { cpu: string; cores: number; memoryGiB: number; platform: string };
  readonly node: string;
  readonly commit: string;
  readonly threads: number;
  readonly rows: readonly Row[];
  readonly memory: readonly { steps: number; inUse: number; size: number; rss: number }[];
}
