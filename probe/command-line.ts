import { parseArgs } from 'node:util';

/** What was asked for. */
export interface CommandLine {
  readonly help: boolean;
  readonly requests: number;
  readonly seed: number;
  /** Of an API that runs already, without a slash at its end. */
  readonly url: string | undefined;
  /** For that API; absent: it takes none. */
  readonly token: string | undefined;
}

const DEFAULT_REQUESTS = 1_000;
const MOST_REQUESTS = 1_000_000;

export const usage = `Usage: npm run probe -- [--requests N] [--seed K] [--url URL [--token TOKEN]]

Generates requests from the API's own OpenAPI document, valid ones and all kinds of wrong ones, sends them, and holds every answer
to the document: status, headers, body, code; no 5xx. Ends with 1 where one does not fit, with the request as a curl command.

  --requests N  how many; ${DEFAULT_REQUESTS} unless said otherwise
  --seed K      what the requests follow from; 1 unless said otherwise
  --url URL     the API; without, one is started on this machine and stopped afterwards. Accounts of the probe's own are opened in
                it and stay, with money in them
  --token T     of an operator of that API (ledger:operate); else HOLDFAST_TOKEN
  --help        this text`;

/**
 * Reads the command line.
 * @param argv without node and the script.
 * @throws {Error} saying what was mistyped.
 */
export const parseCommandLine = (argv: string[]): CommandLine => {
  const { values } = parseArgs({
    args: argv,
    options: {
      help: { type: 'boolean', default: false },
      requests: { type: 'string', default: String(DEFAULT_REQUESTS) },
      seed: { type: 'string', default: '1' },
      url: { type: 'string' },
      token: { type: 'string' },
    },
  });
  return {
    help: values.help,
    requests: wholeNumber('--requests', values.requests, MOST_REQUESTS),
    seed: wholeNumber('--seed', values.seed, 2 ** 31),
    url: values.url === undefined ? undefined : addressOf(values.url),
    token: values.token ?? process.env['HOLDFAST_TOKEN'],
  };
};

const wholeNumber = (option: string, text: string, most: number): number => {
  const value = /^[1-9]\d*$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= most))
    throw new Error(`${option} is "${text}"; it is a whole number, 1 to ${most}.`);
  return value;
};

const addressOf = (text: string): string => {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol))
    throw new Error(`--url is "${text}"; it is one of http or https.`);
  return text.replace(/\/+$/, '');
};
