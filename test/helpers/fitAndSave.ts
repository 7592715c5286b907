/** Everything the default entries do, in a process where no code may be made of strings: fits, recommends, saves, loads and exports. Prints JSON. */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AlternatingLeastSquares, BPR, Blend, EASE, ItemKNN, LogisticMF, LogisticMatrixFactorization, NextItemLSTM, Popularity, PurchaseHistory, type Recommender, backend, fromBytes, toBytes } from 'tightrec/models';
import { readInteractions } from 'tightrec/data';
import { evaluate } from 'tightrec/metrics';
import { load, save } from 'tightrec/node';
import { toOnnx } from 'tightrec/onnx';

let forbidden = false;
try { new Function('return 1')(); } catch { forbidden = true; }

const data = await readInteractions(process.argv[2], { user: 'customer', item: 'product' });
const models = [
  new Popularity(), new PurchaseHistory(), new ItemKNN(), new EASE(), new Blend([new EASE(), new PurchaseHistory()], { weights: [1, 1] }), new LogisticMatrixFactorization({ factors: 8, epochs: 2 }),
  new LogisticMF({ factors: 8, epochs: 2 }), new BPR({ factors: 8, epochs: 2 }), new AlternatingLeastSquares({ factors: 8, epochs: 2 }),
  new NextItemLSTM({ factors: 8, hidden: 8, layers: 1, epochs: 2 }),
];
const exported = (model: Recommender): string => model.answers.factors === undefined ? '' : Buffer.from(toOnnx(model)).toString('base64');
const file = join(tmpdir(), `tightrec-${process.pid}.safetensors`), same: string[] = [];
try {
  for (const model of models) {
    await model.fit(data);
    const list = JSON.stringify(model.recommendFor('ana', { k: 3 }));
    await save(model, file);
    if (list !== '[]' && [fromBytes(toBytes(model)), await load(file)].every((other) => JSON.stringify(other.recommendFor('ana', { k: 3 })) === list && exported(other) === exported(model))) same.push(model.name);
    evaluate(model, data.matrix, { k: 3 });
  }
} finally { rmSync(file, { force: true }); }
console.log(JSON.stringify({ forbidden, kernels: backend().kernels, same }));
