import { kernels } from '../../kernels/answering.ts';
import { scope, scratch, scratchCopy } from '../../kernels/memory.ts';
import { Tensor } from '../autodiff/tensor.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { type SequenceBatch, type Sequences, batchRows, packed } from '../data/sequences.ts';
import { checkNames } from '../errors.ts';
import { checkK, emptyLists } from '../retrieval/select.ts';
import { unknownId } from './answer.ts';
import type { Catalogue } from './catalogue.ts';
import { dotItems, likeItems } from './factors.ts';
import { CarriedState, type Network, hiddenStates, logits } from './nextItemNetwork.ts';
import type { Answers, Recommendation, TopLists } from './recommender.ts';

/** nextItemAnswers: how the model answers for a user whose basket is empty: what comes first. Its scores are the logits of the items. */
export const nextItemAnswers = (network: Network, catalogue: Catalogue): Answers => ({
  catalogue,
  scoreBlock: (out, users) => atFirst(network, users, (h, from, to) => {
    const X = logits(null, network, h), codes = X.shape[1];
    for (let b = from; b < to; b++) {
      const row = network.user ? b - from : 0;
      out.set(X.data.subarray(row * codes + 1, (row + 1) * codes), b * (codes - 1));
    }
  }),
  scorePairs: (users, items) => {
    const x = new Float32Array(users.length);
    atFirst(network, users, (h, from, to) => {
      const [H, codes] = network.output.shape, W = network.output.data, bias = network.outputBias.data, shown = h.data;
      for (let b = from; b < to; b++) {
        const row = network.user ? (b - from) * H : 0, code = items[b] + 1;
        let sum = 0;
        for (let k = 0; k < H; k++) sum += shown[row + k] * W[k * codes + code];
        x[b] = sum + bias[code];
      }
    });
    return x;
  },
  likenessBlock: (out, items) => likeItems(out, network.item.data.subarray(network.item.shape[1]), network.item.shape[1], items), // code 0 is no item
  dotBlock: (out, items) => dotItems(out, network.item.data.subarray(network.item.shape[1]), network.item.shape[1], items),
  vectors: { user: null, item: { data: network.item.data.subarray(network.item.shape[1]), shape: [network.item.shape[0] - 1, network.item.shape[1]] } },
  excludeSeen: false,
});

/** What stands before the first item of users from .. to - 1, some users at a time; one row for all of them where the model does not look at users. */
function atFirst(network: Network, users: Int32Array, use: (h: Tensor, from: number, to: number) => void): void {
  const most = network.user ? placesAtATime(network) : users.length;
  for (let from = 0; from < users.length; from += most) {
    scope(() => {
      const some = scratchCopy(users.subarray(from, from + most)), B = network.user ? some.length : 1, inputs = scratch(B).ints();
      inputs.fill(0);
      use(hiddenStates(null, network, inputs, some, Int32Array.of(B), null).h, from, from + some.length);
    });
  }
}

const LOGITS = 2 ** 20; // 4 MiB of them at a time
const STATES = 2 ** 22; // 16 MiB of what the layers make of the places that run through them at a time
const LANES = 256; // sequences side by side, at most

/** How many places run through the layers at a time. */
function placesAtATime({ item, layers, output }: Network): number {
  return Math.max(1, Math.floor(STATES / (4 * item.shape[1] + 12 * layers.length * output.shape[0])));
}

/**
 * nextLists: before each place of each sequence, the k best of what may come, by events; `state` says what of the sequence is known then: 'carried' all
 * that came before, 'zero' the item before alone. Shapes: -> (n, k).
 */
export function nextLists(network: Network, items: LabelEncoder, sequences: Sequences, k: number, state: 'carried' | 'zero'): TopLists {
  const n = sequences.items.length, [H, codes] = network.output.shape, lists = emptyLists('NextItemLSTM.recommendNext', n, k);
  const rows = placesAtATime(network), lanes = Math.min(LANES, rows), block = Math.max(1, Math.floor(LOGITS / codes)), memory = new CarriedState(network.layers.length, lanes, H);
  for (const batch of state === 'carried' ? packed(sequences, longestFirst(sequences), lanes, Math.floor(rows / lanes)) : singly(sequences, rows)) {
    scope(() => {
      const { inputs, users, places } = batchRows(sequences, batch), { sequence: { length: B }, sizes } = batch;
      const { h, last } = hiddenStates(null, network, scratchCopy(inputs), scratchCopy(users), sizes, batch.goesOn ? memory.start(B) : null);
      if (state === 'carried') memory.keep(last);
      for (let from = 0; from < places.length; from += block) {
        scope(() => {
          const R = Math.min(block, places.length - from), { ids, best } = bestOf(network, new Tensor([R, H], h.data.subarray(from * H, (from + R) * H)), items, k);
          for (let r = 0; r < R; r++) {
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

/** Every place as a stretch of its own, `rows` at a time. */
function singly({ indptr, items }: Sequences, rows: number): SequenceBatch[] {
  const sequence = new Int32Array(items.length), place = new Int32Array(items.length), batches: SequenceBatch[] = [];
  for (let s = 0; s + 1 < indptr.length; s++) for (let at = indptr[s]; at < indptr[s + 1]; at++) { sequence[at] = s; place[at] = at - indptr[s]; }
  for (let at = 0; at < items.length; at += rows) {
    const from = place.subarray(at, at + rows);
    batches.push({ sequence: sequence.subarray(at, at + rows), from, sizes: Int32Array.of(from.length), goesOn: false });
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
  /** The items most likely to come next, best first; 10 unless told otherwise. `excludeSeen` leaves out what is in it: false unless told otherwise, but true of HistoryToNext, which leaves out all that the user has met. */
  top(k?: number, options?: { excludeSeen?: boolean }): Recommendation[];
}

/** newSession: an empty basket of the user in this row. */
export function newSession(network: Network, { items: encoder }: Catalogue, user: number): Session {
  const [H] = network.output.shape, memory = new CarriedState(network.layers.length, 1, H), shown = new Float32Array(H), items: RawId[] = [];
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
    top(k = 10, options = {}) {
      checkK('NextItemLSTM.session', k);
      checkNames('NextItemLSTM.session', options, ['excludeSeen']);
      const out = new Set(options.excludeSeen === true ? items : []);
      return scope(() => {
        const { ids, best } = bestOf(network, new Tensor([1, H], shown), encoder, k + out.size), list: Recommendation[] = [];
        for (let at = 0; list.length < k && at < ids.length && ids[at] >= 0; at++) if (!out.has(encoder.decode(ids[at]))) list.push({ item: encoder.decode(ids[at]), score: best[at] });
        return list;
      });
    },
  };
}
