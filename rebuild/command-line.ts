import { parseArgs } from 'node:util';

/** Where the function is: a ledger that runs on this machine, or a stage on AWS. */
export type Target = { readonly url: string } | { readonly stage: string };

/** What to make again, and where. */
export interface CommandLine {
  readonly target: Target;
  /** Some accounts alone. */
  readonly accounts: readonly string[] | undefined;
  /** Changes nothing, and says what differs. */
  readonly diff: boolean;
  /** How many parts of a table are worked on at once. */
  readonly segments: number;
  /** Where the state of a run is kept. */
  readonly state: string;
  /** Begins again, whatever another run left. */
  readonly anew: boolean;
}

const DEFAULT_URL = 'http://127.0.0.1:3000';
const DEFAULT_SEGMENTS = 4;
const MOST_SEGMENTS = 64;
const MOST_ACCOUNTS = 100;

export const usage = `npm run rebuild -- [options]

Makes the views again from the streams, during traffic: rows that are missing or say something else than their events, rows of an
older version of the projection, and rows that follow from no event. The function rebuild-views of the stage does it, in parts.
It is the remedy for a dead letter, for stream records older than a day, and for a new version of the rows.

  --url URL        a ledger that runs on this machine (npm start); ${DEFAULT_URL} unless --stage is given
  --stage NAME     a stage on AWS, with the credentials and the region of the environment
  --accounts A,B   these accounts alone, ${MOST_ACCOUNTS} at most
  --diff           change nothing, and say what differs: a missing row once for each stream that asks for it. While commands come
                   in, what is not projected yet is missing
  --segments N     how many parts are worked on at once, 1 to ${MOST_SEGMENTS}; ${DEFAULT_SEGMENTS} unless said otherwise
  --state FILE     where a run keeps how far it is, and where the next one of the same command finds it, under this name and a hash of
                   the command; .holdfast/rebuild.json unless said otherwise
  --anew           begin again, whatever a run before left there
  --help           this text

Exit status: 0 where the views are as the streams say, 1 where --diff found a difference, a commit cannot be read or there is
no such account, 2 where the command was mistyped. A run that was stopped goes on where it was
when the same command is given again within an hour, and says so.
`;

/**
 * Reads the arguments.
 * @param args without `node` and the script.
 * @returns `help` where that is asked for.
 * @throws {Error} whose message says which option is wrong.
 */
export const parseCommandLine = (args: readonly string[]): CommandLine | 'help' => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      url: { type: 'string' },
      stage: { type: 'string' },
      accounts: { type: 'string' },
      diff: { type: 'boolean', default: false },
      segments: { type: 'string', default: String(DEFAULT_SEGMENTS) },
      state: { type: 'string', default: '.holdfast/rebuild.json' },
      anew: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const { url, stage, accounts, diff, segments, state, anew } = values;
  return {
    target: targetOf(url, stage),
    accounts: accounts === undefined ? undefined : accountsOf(accounts),
    diff,
    segments: segmentsOf(segments),
    state,
    anew,
  };
};

const targetOf = (url: string | undefined, stage: string | undefined): Target => {
  if (url !== undefined && stage !== undefined) throw new Error('--url and --stage are two places');
  if (stage !== undefined) {
    if (!/^[a-z][a-z0-9-]*$/.test(stage)) throw new Error(`--stage takes a name, not "${stage}"`);
    return { stage };
  }
  const given = url ?? DEFAULT_URL;
  if (!/^https?:$/.test(URL.parse(given)?.protocol ?? ''))
    throw new Error(`--url takes a URL, not "${given}"`);
  return { url: given };
};

const accountsOf = (text: string): readonly string[] => {
  const accounts = [...new Set(text.split(',').map((id) => id.trim()))];
  for (const id of accounts)
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(id))
      throw new Error(`--accounts: "${id}" is no account's id`);
  if (accounts.length > MOST_ACCOUNTS)
    throw new Error(`--accounts takes ${MOST_ACCOUNTS} at most, not ${accounts.length}`);
  return accounts;
};

const segmentsOf = (text: string): number => {
  const segments = Number(text);
  if (!Number.isInteger(segments) || segments < 1 || segments > MOST_SEGMENTS)
    throw new Error(`--segments takes a number from 1 to ${MOST_SEGMENTS}, not "${text}"`);
  return segments;
};
