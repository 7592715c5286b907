#!/usr/bin/env node
import { Argument, Command, CommanderError, Option } from 'commander';
import { FIT_MODELS, MODELS, MOVIELENS_MODELS, RETRIEVAL_MODELS, STUDY_MODELS } from '../study/models.ts';
import { version } from '../study/packageRoot.ts';
import { FAILURE, Interruption, USAGE, failureOf } from './failure.ts';
import { METRICS, countOption, listOption, numberOption, settingOption, threadsOption, wholeNumberOption } from './options.ts';
import { printable, stopBars } from './terminal.ts';

/** The command `tightrec`. Every failure is one sentence on stderr; docs/cli.md shows each command at work. */
async function main(): Promise<void> {
  const interruption = new AbortController(), { signal } = interruption;
  let told = false;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (!signal.aborted) { interruption.abort(new Interruption(name)); return; }
      // asked twice (npm passes Ctrl-C on): the work is left as it stands
      stopBars();
      if (!told) process.stderr.write('tightrec: interrupted\n');
      process.exit(new Interruption(name).code);
    });
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(); // whoever read has what they wanted, as with `| head`
      throw error;
    });
  }
  try {
    await program(signal).parseAsync();
  } catch (error) {
    stopBars();
    if (error instanceof CommanderError) { process.exitCode = error.exitCode === 0 ? 0 : USAGE; return; } // commander has said it
    told = true;
    const { message, code } = failureOf(signal.aborted ? signal.reason : error);
    process.stderr.write(process.env.TIGHTREC_DEBUG && error instanceof Error ? `${error.stack}\n` : `tightrec: ${message}\n`);
    process.exitCode = code;
    // npm passes Ctrl-C on a moment later: here it is still heard, while a process that is ending would die of it, without its code
    if (signal.aborted) await new Promise((resolve) => { setTimeout(resolve, 150); });
  }
}

/** What commander says of a command line, as this command says it. */
const said = (text: string): string => printable(text.trimEnd()).replace(/^error: /, 'tightrec: ');

function program(signal: AbortSignal): Command {
  const tightrec = new Command('tightrec')
    .description('Recommendations from a file of interactions: train, ask, measure.')
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`${said(text)}\n`) })
    .showHelpAfterError('(--help shows how it is called)')
    .addHelpText('after', `
Examples:
  tightrec study
  tightrec fit shop.csv --user customer --item product --model bpr --out shop.safetensors
  tightrec recommend shop.safetensors --user 17850
  tightrec similar shop.safetensors --item 85123A
  tightrec serve shop.safetensors --port 8080

Exit codes: 0 done, 1 failed, 2 called wrongly, 130 interrupted.`);

  const badRows = () => new Option('--on-bad-row <what>', 'what a row that does not parse does: end in an error, or be left out and counted').choices(['error', 'skip']).default('error');
  const threads = () => new Option('--threads <n>', 'how many share the work, or "all" that the machine has; what is learned is the same').argParser(threadsOption).default('all');
  const quiet = () => new Option('-q, --quiet', 'no progress, only results and errors');
  const tableOptions = (command: Command): Command => command
    .requiredOption('--user <column>', 'the column of users')
    .requiredOption('--item <column>', 'the column of items')
    .addOption(badRows())
    .option('--sheet <name>', 'which sheet of a workbook (default: the first)')
    .option('--encoding <label>', 'of a CSV, such as windows-1252 (default: UTF-8)')
    .option('--delimiter <text>', 'between the cells of a CSV, such as :: (default: , ; tab or |, whichever the first row has most of)')
    .option('--no-header', 'the file has no header: columns go by their numbers, from 1');

  tightrec.command('study')
    .description('A study of a data set: read it, train the models, print and report how well they do.')
    .addArgument(new Argument('[study]', 'Online Retail, MovieLens 100k, or retrieval on MovieLens 100k').choices(['online-retail', 'movielens', 'movielens-retrieval']).default('online-retail'))
    .option('--data <path>', 'a .csv, .csv.gz or .xlsx of Online Retail, a folder or .zip of MovieLens 100k, or "generated" (default: the cache, ../shared/data, a download, generated)')
    .addOption(new Option('--models <names>', `which of ${STUDY_MODELS.join(', ')} (default: the first ${MODELS.length}); of movielens, which of ${MOVIELENS_MODELS.join(', ')}, and of movielens-retrieval, which of ${RETRIEVAL_MODELS.join(', ')} (default: all)`).argParser(listOption([...new Set([...STUDY_MODELS, ...MOVIELENS_MODELS, ...RETRIEVAL_MODELS])])))
    .addOption(new Option('--all', 'of online-retail, every model: those of the next item, which take much longer, too').conflicts('models'))
    .addOption(new Option('--seed <n>', 'of everything random').argParser(wholeNumberOption).default(1))
    .option('--json <file>', 'write everything measured as JSON')
    .option('--report <file>', 'where the HTML report goes', 'report.html')
    .option('--no-report', 'no report')
    .option('--checkpoints <folder>', 'keep what each model learns there after every epoch, and go on from what is there')
    .addOption(threads())
    .addOption(badRows())
    .addOption(quiet())
    .addHelpText('after', `
Examples:
  tightrec study --models popularity,purchase-history
  tightrec study movielens
  tightrec study movielens-retrieval
  tightrec study --all --checkpoints study-checkpoints
  tightrec study --data "Online Retail.xlsx" --seed 2 --json study.json --report study.html`)
    .action(async (name, options) => (await import('./study.ts')).study(name, options, signal));

  tableOptions(tightrec.command('fit').argument('<file>', 'a .csv, .csv.gz, .json.gz or .xlsx of interactions')
    .description('Train a model on a file of interactions, one a row, and save it.'))
    .configureOutput({ outputError: (text, write) => write(`${said(text).replace(/^(tightrec: unknown option '--([a-zA-Z]\w*)')$/, '$1; a setting of a model that is no option is given as --set $2=VALUE')}\n`) })
    .option('--time <column>', 'the column of dates')
    .option('--value <column>', 'the column of how much: a quantity, a rating (default: each row counts once)')
    .option('--basket <column>', 'the column of orders or visits: rows that follow each other with the same one are a basket (lstm; default: all that a user did)')
    .addOption(new Option('--model <name>', 'what to train').choices(FIT_MODELS).makeOptionMandatory())
    .requiredOption('--out <file>', 'where the model goes, such as model.safetensors')
    .option('--checkpoint <file>', 'keep what is learned there after every epoch, and go on from what is there')
    .addOption(threads())
    .option('--factors <n>', 'length of the vectors (als, bpr, logistic-mf, logistic-adagrad, lstm, history-to-next, rating-mf, svd-plus-plus, hybrid-mf)', numberOption)
    .option('--epochs <n>', 'passes over the data', numberOption)
    .option('--learning-rate <x>', 'of the optimiser', numberOption)
    .option('--l2 <x>', 'weight of the penalty', numberOption)
    .option('--half-life <days>', 'after which a purchase counts half (purchase-history, popularity)', numberOption)
    .option('--seed <n>', 'of everything random (default: 1)', numberOption)
    .option('--set <name=value>', 'any other setting of the model; may be repeated', settingOption)
    .addOption(quiet())
    .addHelpText('after', `
Examples:
  tightrec fit shop.csv --user customer --item product --model bpr --out shop.safetensors
  tightrec fit shop.xlsx --user customer --item product --time date --model purchase-history --half-life 90 --out shop.safetensors
  tightrec fit shop.csv.gz --user customer --item product --model logistic-mf --factors 64 --set negatives=10 --on-bad-row skip --out shop.safetensors
  tightrec fit shop.csv --user customer --item product --basket order --model lstm --set hidden=64 --checkpoint run.safetensors --out shop.safetensors`)
    .action(async (file, options) => (await import('./fit.ts')).fit(file, options, signal));

  tightrec.command('recommend').argument('<model>', 'a file that tightrec fit wrote')
    .description('What a user may want next; with --all, what every user may want.')
    .option('--user <id>', 'for whom')
    .option('--all', 'for everybody, as CSV: user,rank,item,score')
    .option('--out <file>', 'with --all: where the CSV goes (default: stdout)')
    .addOption(new Option('-k, --k <n>', 'how many items').argParser(countOption).default(10))
    .option('--include-seen', 'also what the user has already (purchase-history always does)')
    .option('--explain', 'with --user: beside each item the one of the user\'s own that speaks most for it')
    .addOption(new Option('--fallback <what>', 'what a user gets whom the model does not know (default: an error)').choices(['popularity']))
    .option('--json', 'as JSON')
    .addOption(quiet())
    .addHelpText('after', `
Examples:
  tightrec recommend shop.safetensors --user 17850 --k 5
  tightrec recommend shop.safetensors --all --out lists.csv`)
    .action(async (file, options) => (await import('./recommend.ts')).recommendCommand(file, options, signal));

  tightrec.command('similar').argument('<model>', 'a file that tightrec fit wrote')
    .description('The items most like one.')
    .requiredOption('--item <id>', 'like which')
    .addOption(new Option('-k, --k <n>', 'how many items').argParser(countOption).default(10))
    .option('--json', 'as JSON')
    .addHelpText('after', `
Example:
  tightrec similar shop.safetensors --item 85123A --k 5`)
    .action(async (file, options) => (await import('./similar.ts')).similar(file, options));

  tightrec.command('serve').argument('<model>', 'a file that tightrec fit wrote')
    .description('Answer over HTTP: POST /recommend and /similar, GET /health, /metrics and /openapi.json. SIGHUP reads the file again; SIGINT and SIGTERM end it when all is answered.')
    .addOption(new Option('--port <n>', 'where to listen; 0 for any that is free').argParser(wholeNumberOption).default(8080))
    .option('--host <address>', 'at which address; 0.0.0.0 lets other machines in', '127.0.0.1')
    .option('--watch', 'take the file into service again whenever it changes')
    .addOption(new Option('--max-k <n>', 'longest list').argParser(countOption).default(1000))
    .addOption(new Option('--max-body <bytes>', 'largest body').argParser(countOption).default(2 ** 20))
    .addOption(new Option('--max-queue <n>', 'requests under way, before more are refused').argParser(countOption).default(1000))
    .addOption(new Option('--timeout <seconds>', 'in which a request must come whole').argParser(numberOption).default(10))
    .addOption(new Option('--threads <n>', 'how many share the scoring, or "all" that the machine has').argParser(threadsOption).default(1))
    .addOption(quiet())
    .addHelpText('after', `
The environment variable TIGHTREC_TOKEN is the token that clients must send, as Authorization: Bearer TOKEN; without it nothing need be sent.

Examples:
  tightrec serve shop.safetensors --port 8080 --watch
  curl http://127.0.0.1:8080/recommend -d '{ "user": "17850", "k": 5 }'`)
    .action(async (file, options) => (await import('./serve.ts')).serveCommand(file, options, signal));

  tableOptions(tightrec.command('evaluate').argument('<model>', 'a file that tightrec fit wrote').argument('<file>', 'interactions that were held out: a .csv, .csv.gz, .json.gz or .xlsx')
    .description('Measure a model on interactions that it was not trained on.'))
    .option('--value <column>', 'the column of ratings, for a model of ratings: measures rmse and mae instead of lists')
    .addOption(new Option('-k, --k <n>', 'length of the lists').argParser(countOption).default(10))
    .addOption(new Option('--metrics <names>', `which of ${METRICS.join(', ')}`).argParser(listOption(METRICS)).default(METRICS.filter((name) => name !== 'auc'), 'all but auc'))
    .option('--include-seen', 'recommend also what the user has already (purchase-history always does)')
    .option('--json', 'as JSON')
    .addOption(quiet())
    .addHelpText('after', `
Rows whose user or item the model does not know are left out, and counted; with --value they are predicted from what is known. docs/metrics.md defines the metrics.

Example:
  tightrec evaluate shop.safetensors november.csv --user customer --item product --k 5`)
    .action(async (model, file, options) => (await import('./evaluate.ts')).evaluateCommand(model, file, options, signal));

  tightrec.command('info').argument('<model>', 'a file that tightrec fit wrote')
    .description('What is in a model file.')
    .option('--json', 'as JSON')
    .action(async (file, options) => (await import('./info.ts')).info(file, options));

  for (const command of tightrec.commands) for (const option of command.options) if (option.long !== '--set' && (option.required || option.optional)) once(command, option);
  return tightrec;
}

/** Of an option given twice, commander would take the last and not say so. */
function once(command: Command, option: Option): void {
  let given = false;
  command.on(`option:${option.name()}`, () => {
    if (given) command.error(`error: ${option.long} is given twice; leave one out`);
    given = true;
  });
}

process.on('uncaughtException', (error) => {
  stopBars();
  process.stderr.write(process.env.TIGHTREC_DEBUG ? `${error.stack}\n` : `tightrec: ${failureOf(error).message}\n`);
  process.exit(FAILURE);
});

await main();
