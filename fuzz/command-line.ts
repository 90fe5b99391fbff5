import { parseArgs } from 'node:util';

/** What was asked for. */
export interface CommandLine {
  readonly help: boolean;
  readonly requests: number;
  readonly seed: number;
  /** Of an API that runs already, without a slash at its end. */
  readonly url: string | undefined;
  readonly connections: number;
  readonly token: string | undefined;
}

const DEFAULT_REQUESTS = 1_000;
const MOST_REQUESTS = 1_000_000;
const DEFAULT_CONNECTIONS = 10_000;
const MOST_CONNECTIONS = 60_000;

export const usage = `Usage: npm run fuzz -- [options]

Generates requests from the API's own OpenAPI document, valid ones and all kinds of wrong ones, and bytes that are hardly HTTP: slow,
cut, pipelined, oversized. Holds every answer to the document: status, headers, body, code; no 5xx, but for a 503 try_again whose
repeat is answered; none that does not come. Without --url also that the tables are sound afterwards, and that memory stays flat.
Ends with 1 where something does not fit, with the request as a command for a shell.

  --requests N     how many; ${DEFAULT_REQUESTS} unless said otherwise
  --seed K         what they follow from; 1 unless said otherwise
  --connections N  how many connections are held open meanwhile; ${DEFAULT_CONNECTIONS} unless said otherwise, 0 with --url
  --url URL        the API; without, one is started on this machine and stopped afterwards. Accounts of the fuzzer's own are opened
                   in it and stay, with money in them
  --token TOKEN    the bearer token that every request carries: its bearer may do everything
  --help           this text`;

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
      connections: { type: 'string' },
      token: { type: 'string' },
    },
  });
  return {
    help: values.help,
    requests: wholeNumber('--requests', values.requests, MOST_REQUESTS),
    seed: wholeNumber('--seed', values.seed, 2 ** 31),
    url: values.url === undefined ? undefined : addressOf(values.url),
    connections: connectionsOf(values),
    token: values.token ?? process.env['HOLDFAST_TOKEN'],
  };
};

const wholeNumber = (option: string, text: string, most: number): number => {
  const value = /^[1-9]\d*$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= most))
    throw new Error(`${option} is "${text}"; it is a whole number, 1 to ${most}.`);
  return value;
};

const connectionsOf = (values: { connections?: string; url?: string }): number => {
  const { connections, url } = values;
  if (connections === undefined) return url === undefined ? DEFAULT_CONNECTIONS : 0;
  return connections === '0' ? 0 : wholeNumber('--connections', connections, MOST_CONNECTIONS);
};

const addressOf = (text: string): string => {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol))
    throw new Error(`--url is "${text}"; it is one of http or https.`);
  return text.replace(/\/+$/, '');
};
