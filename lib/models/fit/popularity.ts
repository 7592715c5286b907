import type { Interactions } from '../../data/interactions.ts';
import { catalogueOf, itemTotals } from '../catalogue.ts';
import { addSeen, checkEvents, encodeLike } from '../events.ts';
import { fade, fadedValues, lastTime } from '../fading.ts';
import type { Popularity, Totals } from '../popularity.ts';
import { type FitOptions, countOnce } from '../train.ts';

/** fit: Popularity.fit. `keep` is given what was learned. */
export async function fit(model: Popularity, data: Interactions, options: FitOptions, keep: (learned: Totals) => void): Promise<void> {
  model.check();
  checkEvents(`${model.name}.fit`, data);
  const latest = lastTime(data);
  await countOnce(model, options, () => {
    const catalogue = catalogueOf(data);
    keep({ totals: model.settings.halfLife === null ? itemTotals(catalogue.seen) : faded(model, data, latest), latest, catalogue });
  });
}

/** goOn: Popularity.partialFit of a model that has learned. */
export async function goOn(model: Popularity, before: Totals, data: Interactions, options: FitOptions, keep: (learned: Totals) => void): Promise<void> {
  checkEvents(`${model.name}.partialFit`, data);
  const recoded = encodeLike(`${model.name}.partialFit`, data, before.catalogue), catalogue = addSeen(before.catalogue, recoded);
  const latest = Math.max(before.latest, lastTime(data)), { halfLife } = model.settings, left = fade(halfLife, before.latest, latest);
  await countOnce(model, options, () => {
    if (halfLife === null) return keep({ totals: itemTotals(catalogue.seen), latest, catalogue });
    const more = faded(model, recoded, latest);
    keep({ totals: before.totals.map((total, item) => total * left + more[item]), latest, catalogue });
  });
}

/** The values of each item's events, older ones for less. */
function faded({ name, settings: { halfLife } }: Popularity, data: Interactions, latest: number): Float32Array {
  const values = fadedValues(name, data, halfLife!, latest), totals = new Float64Array(data.items.size);
  for (let e = 0; e < data.item.length; e++) totals[data.item[e]] += values[e];
  return Float32Array.from(totals);
}
