import * as z from 'zod/mini';
import {
  type Compute,
  type KeyOwner,
  parseCompute,
  parseKeyOwner,
  parseTransfers,
  type Transfers,
} from './stages.ts';

/** The options of `-c KEY=VALUE`, for the cdk CLI and `npm run synth`. */
export interface AppContext {
  readonly stage?: string | undefined;
  /** Whether the user means the stage to be open to everybody, without tokens. */
  readonly open: boolean;
  /** Replaces the stage's own. */
  readonly compute?: Compute | undefined;
  /** Replaces the stage's own. */
  readonly transfers?: Transfers | undefined;
  /** Replaces the stage's own. */
  readonly key?: KeyOwner | undefined;
}

const ownKeys = ['stage', 'open', 'compute', 'transfers', 'key'] as const;

/**
 * Names that the cdk CLI itself writes to `cdk.json`, `cdk.context.json` or `~/.cdk.json`. Its
 * others have a colon in them.
 */
const keysOfTheCli = new Set(['cli-telemetry', 'acknowledged-issue-numbers']);

/**
 * Reads the context that the app was given.
 * @param given keys and values: the cdk CLI hands over its own, too.
 * @throws an error that names a key that nothing reads, as `-c stag=prod` would deploy the wrong
 *   stage; or that says which values a key takes.
 */
export const readContext = (given: Readonly<Record<string, unknown>>): AppContext => {
  const unknown = Object.keys(given).filter((key) => !isOwn(key) && !isOfTheCli(key));
  if (unknown.length > 0) {
    throw new Error(
      `There is no context key "${unknown.join('", "')}". The keys are: ${ownKeys.join(', ')}.`,
    );
  }
  const { stage, open, compute, transfers, key } = given;
  if (stage !== undefined && typeof stage !== 'string')
    throw new Error('The context key "stage" takes a name.');
  if (open !== undefined && open !== 'yes')
    throw new Error('The context key "open" takes "yes", and nothing else.');
  return {
    stage,
    open: open === 'yes',
    compute: compute === undefined ? undefined : parseCompute(String(compute)),
    transfers: transfers === undefined ? undefined : parseTransfers(String(transfers)),
    key: key === undefined ? undefined : parseKeyOwner(String(key)),
  };
};

/**
 * Reads pairs as a user types them after `-c`.
 * @throws an error for what is not `KEY=VALUE`.
 */
export const contextOf = (pairs: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new Error(`-c takes KEY=VALUE, not "${pair}".`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );

/** Reads the context that the cdk CLI hands over; all `-c` pairs are in it. */
export const cliContext = (json: string | undefined): Readonly<Record<string, unknown>> =>
  z.record(z.string(), z.unknown()).parse(JSON.parse(json ?? '{}'));

const isOwn = (key: string): boolean => ownKeys.some((own) => own === key);

/** Feature flags, `aws:…`, and the results of look-ups in an account. */
const isOfTheCli = (key: string): boolean => key.includes(':') || keysOfTheCli.has(key);
