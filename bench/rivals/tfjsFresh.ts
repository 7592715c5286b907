import * as tf from '@tensorflow/tfjs';
import { open as openWith, tidied } from './tfjs.ts';
import type { Rival } from './works.ts';

/** tfjs keeps a second matrix packed for as long as its tensor lives. In training both change from step to step: here the tensor is a new one each time. */
export async function open(): Promise<Rival> {
  const { version } = await openWith('wasm');
  return { version, product: ({ A, B, M, N, K }) => tidied(() => tf.tidy(() => tf.matMul(tf.tensor2d(A, [M, K]), tf.tensor2d(B, [K, N])))) };
}
