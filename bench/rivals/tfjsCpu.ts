import { open as openWith } from './tfjs.ts';
import type { Rival } from './works.ts';

/** tfjs in plain JavaScript: where its wasm backend refuses, this is the next thing to try. */
export const open = (): Promise<Rival> => openWith('cpu');
