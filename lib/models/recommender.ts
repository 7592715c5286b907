import type { Csr } from '../data/csr.ts';
import type { Interactions } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import type { LearnedFeatures } from '../data/learnFeatures.ts';
import type { ScoreBlock, TopLists } from '../retrieval/select.ts';
import type { Vectors } from '../retrieval/vectors.ts';
import type { Catalogue } from './catalogue.ts';
import type { Factors } from './factors.ts';
import type { ModelState } from './modelState.ts';
import type { ThreadsOption } from '../../kernels/onThreads.ts';
import type { Tower } from './tower.ts';
import type { FitOptions } from './train.ts';

export type { ScoreBlock, TopLists };

/** One recommended item. `source` is there only when the list is not the model's own: the user was unknown and popularity was asked for. */
export interface Recommendation { item: RawId; score: number; source?: 'popularity' }

export interface RecommendOptions {
  /** How many items a user. Default 10. */
  k?: number;
  /** Items each user must not get: usually what the user has already. Default none. */
  exclude?: Interactions | Csr | null;
  /** How many threads share the work, or 'all' that the machine has. Default 1. The lists are the same. */
  threads?: ThreadsOption;
}

export interface RecommendForOptions {
  k?: number;
  /** Leave out what the user met in the training data. Default true, but false for PurchaseHistory, which recommends just that, NextItemLSTM, a new basket, and a Blend with one of them. */
  excludeSeen?: boolean;
  /** What an unknown user gets: an error (the default), or the most popular items, marked as such. */
  fallback?: 'popularity';
}

export interface SimilarOptions {
  /** How many items. Default 10. */
  k?: number;
  /** How the vectors of two items are compared: by their cosine (the default), or by their dot product, which favours items with long vectors. */
  similarity?: 'cosine' | 'dot';
}

/** Recommender: what every model of tightrec can do. */
export interface Recommender {
  readonly name: string;
  readonly settings: object;
  readonly fitted: boolean;
  /** The encoders of the data it was fitted on: raw ids to rows and back. */
  readonly users: LabelEncoder;
  readonly items: LabelEncoder;
  readonly nUsers: number;
  readonly nItems: number;
  /** Refuses settings that fit would refuse, before there is any data. Errors: 'bad-setting'. */
  check(): void;
  /** Learns from the data, from the start; returns itself. */
  fit(data: Interactions, options?: FitOptions): Promise<this>;
  /** Goes on learning, from where fit or partialFit left off; on a model not fitted yet it is fit. */
  partialFit(data: Interactions, options?: FitOptions): Promise<this>;
  /** The score of each (user, item) pair of rows. Shapes: users, items (B) -> (B). */
  score(users: ArrayLike<number>, items: ArrayLike<number>): Float32Array;
  /** The scores of all items for each user. Shapes: users (B) -> (B, nItems). */
  scores(users: ArrayLike<number>): Float32Array;
  /** The best items of each user, by row numbers. Shapes: users (B) -> (B, k). */
  recommend(users: ArrayLike<number>, options?: RecommendOptions): TopLists;
  /** The best items of one user, by raw ids. */
  recommendFor(user: RawId, options?: RecommendForOptions): Recommendation[];
  /**
   * The items most like each item, itself left out, by row numbers. Shapes: items (B) -> (B, k).
   * Errors: 'unsupported' for a model that knows no likeness (Popularity, PurchaseHistory, BiasOnly, Blend), and for a similarity of vectors where a model has weights of its own
   * (ItemKNN, EASE).
   */
  similarItems(items: ArrayLike<number>, options?: SimilarOptions): TopLists;
  /** The items most like one item, by raw ids. Errors: as similarItems. */
  similarTo(item: RawId, options?: SimilarOptions): Recommendation[];
  /** Gives back what was learned, memory and all; afterwards the model is as if never fitted. Errors: 'bad-input' while it is being fitted. */
  free(): void;
  /** What a model file holds. */
  toState(): ModelState;
  /** What the calls above are made of, for those who write models. Errors: 'not-fitted'. */
  readonly answers: Answers;
}

/** FeatureTower: layers, and what their inputs stand for: the columns of these features, side by side. */
export interface FeatureTower { readonly tower: Tower; readonly features: readonly LearnedFeatures[] }

/** Answers: the part of a fitted model that differs from model to model; the calls of answer.ts do the rest. */
export interface Answers {
  readonly catalogue: Catalogue;
  /** Overwrites out (B, nItems) with the score of every item for each of B users. Runs inside a scope. */
  readonly scoreBlock: ScoreBlock;
  /** The score of each (user, item) pair. */
  readonly scorePairs: (users: Int32Array, items: Int32Array) => Float32Array;
  /** Overwrites out (B, nItems) with the likeness of every item to each of B items; null for a model that knows no likeness. */
  readonly likenessBlock: ScoreBlock | null;
  /** The same with the dot products of item vectors, for a model whose likeness is their cosine. */
  readonly dotBlock?: ScoreBlock;
  /** What each of a user's own items adds to the score of an item, for a model whose score is a sum over them: the rows of those items and their parts. */
  readonly contributions?: (user: number, item: number) => { readonly items: Int32Array; readonly values: Float64Array };
  /** The vectors behind them, by row, and those of users where the model has such in the same space. Views, as old as the model's next step. */
  readonly vectors?: { readonly user: Vectors | null; readonly item: Vectors };
  /** Where a score is the product of two vectors and biases: these, of all users and items. Called inside a scope, and good as long as it lasts. */
  readonly factors?: () => Factors;
  /** Where networks make vectors of features whose products, without biases, are the scores: that of users, or of whatever asks, and that of items, whose outputs are `vectors.item`. */
  readonly towers?: { readonly query: FeatureTower; readonly candidate: FeatureTower };
  /** Whether recommendFor leaves out, unless told otherwise, what the user has already. */
  readonly excludeSeen: boolean;
}
