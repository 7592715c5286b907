import { TightrecError } from '../errors.ts';

/**
 * mse: the mean squared error of ratings.
 *
 *   MSE = 1/n Σ (predicted[at] - actual[at])²
 *
 * Shapes: predicted, actual (n). The sum is in float64. Every rating counts alike, whoever gave it.
 * Errors: 'bad-input' for no ratings, or one that is not a finite number; 'bad-shape' for arrays of unequal length.
 */
export function mse(predicted: ArrayLike<number>, actual: ArrayLike<number>): number { return meanOf('mse', predicted, actual, (error) => error * error); }

/** rmse: the root of `mse`, in units of the ratings. Shapes and errors: as of mse. */
export function rmse(predicted: ArrayLike<number>, actual: ArrayLike<number>): number { return Math.sqrt(meanOf('rmse', predicted, actual, (error) => error * error)); }

/** mae: the mean absolute error of ratings, 1/n Σ |predicted[at] - actual[at]|. Shapes and errors: as of mse. */
export function mae(predicted: ArrayLike<number>, actual: ArrayLike<number>): number { return meanOf('mae', predicted, actual, Math.abs); }

function meanOf(name: string, predicted: ArrayLike<number>, actual: ArrayLike<number>, of: (error: number) => number): number {
  const n = predicted.length;
  if (actual.length !== n) throw new TightrecError('bad-shape', `${name}: predicted and actual must be equally long, got ${n} and ${actual.length}`);
  if (n === 0) throw new TightrecError('bad-input', `${name}: needs at least one rating, got none`);
  let sum = 0;
  for (let at = 0; at < n; at++) {
    if (!Number.isFinite(predicted[at])) throw new TightrecError('bad-input', `${name}: predicted must be finite numbers, got ${predicted[at]} at position ${at}`);
    if (!Number.isFinite(actual[at])) throw new TightrecError('bad-input', `${name}: actual must be finite numbers, got ${actual[at]} at position ${at}`);
    sum += of(predicted[at] - actual[at]);
  }
  return sum / n;
}
