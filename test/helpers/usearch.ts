import { pathToFileURL } from 'node:url';
import { type Usearch, loadUsearch } from '../../lib/approximate/index.ts';
import { loadWith } from '../../lib/approximate/loadUsearch.ts';

/** findUsearch: the package usearch where there is one: the folder that TIGHTREC_USEARCH names, or node_modules; else why not. */
export async function findUsearch(): Promise<Usearch | string> {
  const folder = process.env.TIGHTREC_USEARCH;
  try { return await (folder ? loadWith(() => import(`${pathToFileURL(folder).href}/javascript/dist/esm/usearch.js`)) : loadUsearch()); } catch (error) { return (error as Error).message; }
}
