import { kernels } from '../../kernels/index.ts';
import { scope, scratch, scratchCopy } from '../../kernels/memory.ts';
import { Tensor } from '../autodiff/tensor.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { type SequenceBatch, type Sequences, batchRows, packed } from '../data/sequences.ts';
import { checkK, unknownId } from './answer.ts';
import type { Catalogue } from './catalogue.ts';
import { likeItems } from './factors.ts';
import { Memory, type Network, hiddenStates, logits } from './nextItemNetwork.ts';
import type { Answers, Recommendation, TopLists } from './recommender.ts';

/** nextItemAnswers: how the model answers for a user whose basket is empty: what comes first. Its scores are the logits of the items. */
export const nextItemAnswers = (network: Network, catalogue: Catalogue): Answers => ({
  catalogue,
  scoreBlock: (out, users) => {
    const nItems = catalogue.items.size, X = logits(null, network, first(network, users)).data, same = X.length === nItems + 1;
    for (let b = 0; b < users.length; b++) out.set(X.subarray(same ? 1 : b * (nItems + 1) + 1, (same ? 1 : b + 1) * (nItems + 1)), b * nItems);
  },
  scorePairs: (users, items) => {
    const { output, outputBias } = network, [H, codes] = output.shape, x = new Float32Array(users.length);
    for (let from = 0; from < users.length; from += ROWS) {
      scope(() => {
        const some = users.subarray(from, from + ROWS), h = first(network, scratchCopy(some)).data, W = output.data, b = outputBias.data, same = h.length === H;
        for (let n = 0; n < some.length; n++) {
          const code = items[from + n] + 1;
          let sum = 0;
          for (let k = 0; k < H; k++) sum += h[(same ? 0 : n * H) + k] * W[k * codes + code];
          x[from + n] = sum + b[code];
        }
      });
    }
    return x;
  },
  likenessBlock: (out, items) => likeItems(out, network.item.data.subarray(network.item.shape[1]), network.item.shape[1], items), // code 0 is no item
  excludeSeen: false,
});

/** What stands before the first item of each user; one row for all where the model does not look at users. Runs inside a scope. */
function first(network: Network, users: Int32Array): Tensor {
  const B = network.user ? users.length : Math.min(1, users.length), inputs = scratch(B).ints();
  inputs.fill(0);
  return hiddenStates(null, network, inputs, users, B > 0 ? Int32Array.of(B) : new Int32Array(0), null).h;
}

const ROWS = 4096; // places run through the layers at a time
const LANES = 256; // sequences side by side
const LOGITS = 2 ** 20; // 4 MiB of them at a time

/**
 * nextLists: before each place of each sequence, the k best of what may come, by events; `from` says what of the sequence is known then: 'carried' all
 * that came before, 'zero' the item before alone. Shapes: -> (n, k).
 */
export function nextLists(network: Network, items: LabelEncoder, sequences: Sequences, k: number, state: 'carried' | 'zero'): TopLists {
  const n = sequences.items.length, [H, codes] = network.output.shape, lists = { items: new Int32Array(n * k), scores: new Float32Array(n * k) };
  const memory = new Memory(network.layers.length, LANES, H), block = Math.max(1, Math.floor(LOGITS / codes));
  for (const batch of state === 'carried' ? packed(sequences, longestFirst(sequences), LANES, ROWS / LANES) : singly(sequences)) {
    scope(() => {
      const { inputs, users, places } = batchRows(sequences, batch), { sequence: { length: B }, sizes } = batch;
      const { h, last } = hiddenStates(null, network, scratchCopy(inputs), scratchCopy(users), sizes, batch.goesOn ? memory.start(B) : null);
      if (state === 'carried') memory.keep(last);
      for (let from = 0; from < places.length; from += block) {
        scope(() => {
          const rows = Math.min(block, places.length - from), { ids, best } = bestOf(network, new Tensor([rows, H], h.data.subarray(from * H, (from + rows) * H)), items, k);
          for (let r = 0; r < rows; r++) {
            const event = sequences.event[places[from + r]];
            lists.items.set(ids.subarray(r * k, r * k + k), event * k);
            lists.scores.set(best.subarray(r * k, r * k + k), event * k);
          }
        });
      }
    });
  }
  return lists;
}

function longestFirst({ indptr }: Sequences): Int32Array {
  return Int32Array.from({ length: indptr.length - 1 }, (_, s) => s).sort((a, b) => indptr[b + 1] - indptr[b] - (indptr[a + 1] - indptr[a]));
}

/** Every place as a stretch of its own. */
function singly({ indptr, items }: Sequences): SequenceBatch[] {
  const sequence = new Int32Array(items.length), place = new Int32Array(items.length), batches: SequenceBatch[] = [];
  for (let s = 0; s + 1 < indptr.length; s++) for (let at = indptr[s]; at < indptr[s + 1]; at++) { sequence[at] = s; place[at] = at - indptr[s]; }
  for (let at = 0; at < items.length; at += ROWS) {
    const from = place.subarray(at, at + ROWS);
    batches.push({ sequence: sequence.subarray(at, at + ROWS), from, sizes: Int32Array.of(from.length), goesOn: false });
  }
  return batches;
}

/** The k best items for each row of h, as rows: neither what stands before a sequence nor what stands for unknown items. Shapes: h (B, H) -> (B, k). */
function bestOf(network: Network, h: Tensor, { unknown }: LabelEncoder, k: number): { ids: Int32Array; best: Float32Array } {
  const [B] = h.shape, X = logits(null, network, h), out = unknown ? 2 : 1, skip = scratch(B * out).ints(), start = scratch(B + 1).ints();
  for (let b = 0; b <= B; b++) start[b] = b * out;
  for (let at = 0; at < B * out; at++) skip[at] = at % out;
  const ids = scratch(B * k).ints(), best = scratch(B * k).floats();
  kernels.topK(ids, best, X.data, skip, start, B, X.shape[1], k);
  for (let at = 0; at < ids.length; at++) if (ids[at] >= 0) ids[at] -= 1;
  return { ids, best };
}

/** Session: one basket as it is filled. */
export interface Session {
  /** What is in it, in order. */
  readonly items: readonly RawId[];
  /** Puts an item in; returns the session. Errors: 'unknown-id' for one that the model does not know. */
  add(item: RawId): Session;
  /** The items most likely to come next, best first; 10 unless told otherwise. */
  top(k?: number): Recommendation[];
}

/** newSession: an empty basket of the user in this row. */
export function newSession(network: Network, { items: encoder }: Catalogue, user: number): Session {
  const [H] = network.output.shape, memory = new Memory(network.layers.length, 1, H), shown = new Float32Array(H), items: RawId[] = [];
  const input = new Int32Array(1), users = Int32Array.of(user), one = Int32Array.of(1);
  const step = (code: number): void => scope(() => {
    input[0] = code;
    const { h, last } = hiddenStates(null, network, input, users, one, memory.start(1));
    memory.keep(last);
    shown.set(h.data);
  });
  step(0);
  return {
    get items() { return items.slice(); },
    add(item) {
      const row = encoder.encode(item);
      if (row < 0) throw unknownId('NextItemLSTM.session', 'item', item, encoder);
      step(row + 1);
      items.push(item);
      return this;
    },
    top(k = 10) {
      checkK('NextItemLSTM.session', k);
      return scope(() => {
        const { ids, best } = bestOf(network, new Tensor([1, H], shown), encoder, k), list: Recommendation[] = [];
        for (let at = 0; at < k && ids[at] >= 0; at++) list.push({ item: encoder.decode(ids[at]), score: best[at] });
        return list;
      });
    },
  };
}
