import type { Csr } from '../data/csr.ts';
import type { Interactions } from '../data/interactions.ts';
import type { LabelEncoder } from '../data/labelEncoder.ts';

/** MeanRating: the mean of all ratings, of the user's, or of the film's (that of all where there is none). What every model of ratings must beat. */
export class MeanRating {
  readonly by: 'all' | 'user' | 'item';
  users!: LabelEncoder;
  items!: LabelEncoder;
  answers!: { catalogue: { seen: Csr } };
  #mean = Number.NaN;
  #means = new Float64Array(0);

  constructor(by: 'all' | 'user' | 'item') { this.by = by; }

  async fit(data: Interactions): Promise<this> {
    const { users, items, matrix, value } = data, rows = this.by === 'item' ? data.item : data.user, n = (this.by === 'item' ? items : users).size, sums = new Float64Array(n), counts = new Float64Array(n);
    for (let event = 0; event < rows.length; event++) { sums[rows[event]] += value![event]; counts[rows[event]]++; }
    this.#mean = sums.reduce((sum, of) => sum + of, 0) / rows.length;
    this.#means = sums.map((sum, row) => (this.by === 'all' || counts[row] === 0 ? this.#mean : sum / counts[row]));
    Object.assign(this, { users, items, answers: { catalogue: { seen: matrix } } });
    return this;
  }

  predict(users: Int32Array, items: Int32Array): Float32Array {
    return Float32Array.from(this.by === 'item' ? items : users, (row) => this.#means[row] ?? this.#mean);
  }
}
