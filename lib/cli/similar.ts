import { loadModel } from './loadModel.ts';
import { counted, idFrom } from './options.ts';
import { forJson, listed } from './recommend.ts';
import { openTerminal } from './terminal.ts';

/** similar: the command `tightrec similar`. */
export async function similar(file: string, options: { item: string; k: number; json?: boolean }): Promise<void> {
  const { result, note } = openTerminal(), model = await loadModel(file), k = Math.min(options.k, Math.max(1, model.nItems - 1));
  if (options.k > k) note(`the model knows ${counted(model.nItems, 'item')}, so the list is no longer than ${k}`);
  const list = model.similarTo(idFrom(options.item, model.items), { k });
  result(options.json ? `${JSON.stringify(list.map(forJson), null, 2)}\n` : listed(list));
}
