import { type DescribedError, describeError } from './described-error.ts';

/**
 * Everything that a log line may say besides its message: ids, versions, counts, times, codes, and
 * what is said of an error. The fields are chosen, and no other is written.
 *
 * Never: what a client wrote or owns, that is bodies, references, names, amounts and balances; nor
 * what proves who it is. The ids are chosen all the same, without which nobody could look into
 * anything: those of accounts, transfers and commands, the caller's, and the correlation id. Whoever
 * chooses one himself, such as an `Idempotency-Key`, must not write into it what nobody may read.
 */
export interface LogFields {
  // What it is about
  readonly correlation_id?: string | undefined;
  readonly accountId?: string | undefined;
  readonly transferId?: string | undefined;
  readonly commandId?: string | undefined;
  readonly postingId?: string | undefined;
  readonly from?: string;
  readonly to?: string;
  readonly version?: number | string | undefined;
  readonly keys?: readonly string[];
  readonly sequenceNumber?: string;
  /** `ACCOUNT/VERSION`. */
  readonly commit?: string;
  readonly pk?: string;
  readonly sk?: string;
  /** Of an execution of the workflow. */
  readonly name?: string;
  // What became of it
  readonly route?: string;
  readonly status?: number;
  readonly milliseconds?: number;
  readonly caller?: string | undefined;
  readonly problem?: string | undefined;
  readonly outcome?: string;
  readonly reason?: string | undefined;
  readonly replayed?: boolean;
  readonly reservedAt?: string;
  readonly error?: unknown;
  readonly remedy?: string;
  // How much was seen to
  readonly found?: number;
  readonly due?: number;
  readonly ended?: number;
  readonly failed?: number;
  readonly hasMore?: boolean;
  readonly shard?: string;
  readonly started?: number;
  readonly left?: number;
  readonly commits?: number;
  readonly rows?: number;
  readonly missing?: number;
  readonly different?: number;
  readonly extra?: number;
  readonly unreadable?: number;
  readonly unknown?: number;
  /** Keys of rows and commits. */
  readonly examples?: readonly string[];
  /** Where to go on: accounts, keys and segments. */
  readonly input?: Readonly<Record<string, unknown>>;
  readonly next?: unknown;
}

const all: Readonly<Record<keyof LogFields, true>> = {
  ...{
    correlation_id: true,
    accountId: true,
    transferId: true,
    commandId: true,
    postingId: true,
    from: true,
  },
  ...{ to: true, version: true, keys: true, sequenceNumber: true, commit: true, pk: true },
  ...{ sk: true, name: true, route: true, status: true, milliseconds: true, caller: true },
  ...{ problem: true, outcome: true, reason: true, replayed: true, reservedAt: true },
  ...{
    error: true,
    remedy: true,
    found: true,
    due: true,
    ended: true,
    failed: true,
    hasMore: true,
    shard: true,
    started: true,
    left: true,
    commits: true,
  },
  ...{ rows: true, missing: true, different: true, extra: true, unreadable: true },
  ...{ unknown: true, examples: true, input: true, next: true },
};

/** The names of the fields that are chosen. */
export const chosenFields: ReadonlySet<string> = new Set(Object.keys(all));

/**
 * Takes from some fields those that are chosen, and what may be told of an error.
 * @param fields more than the type says may come in where an object was spread.
 */
export const chosen = (
  fields: LogFields,
): Readonly<Record<string, unknown>> & { readonly error?: DescribedError | string } => {
  const { error, ...others } = fields;
  return {
    ...Object.fromEntries(Object.entries(others).filter(([name]) => chosenFields.has(name))),
    ...(error !== undefined && { error: describeError(error) }),
  };
};
