import { ACCOUNT_SCHEMA } from '../../functions/ledger/account.ts';

/** Rewrites items as another deployment of the code would write them, in DynamoDB's own JSON. */
export interface Deployment {
  /** A request's body in the words of this deployment. */
  write(operation: string, body: WriteBody): object;
  /** Looks at an answer, which may show commits. */
  read(body: string): void;
}

type Attribute = Record<string, unknown>;
type Item = Record<string, Attribute>;

interface Put {
  readonly TableName: string;
  readonly Item: Item;
}

interface WriteBody {
  readonly TransactItems?: readonly { readonly Put?: Put }[];
}

/**
 * The commits that carry a snapshot that this code can read, as far as any environment has seen
 * them.
 */
export class SnapshotSightings {
  readonly #versions = new Map<string, Set<number>>();

  /** Takes note of the snapshots in an answer. */
  look(body: string): void {
    if (!body.includes('"stateSchema"')) return;
    try {
      this.#find(JSON.parse(body));
    } catch {
      // The body is no JSON, and shows nothing.
    }
  }

  /** The latest before a version of a stream; `undefined`: none is known. */
  before(streamId: string, version: number): number | undefined {
    const earlier = [...(this.#versions.get(streamId) ?? [])].filter((seen) => seen < version);
    return earlier.length > 0 ? Math.max(...earlier) : undefined;
  }

  #find(value: unknown): void {
    if (typeof value !== 'object' || value === null) return;
    if ('stateSchema' in value && 'streamId' in value && 'version' in value) this.#note(value);
    else for (const inner of Object.values(value)) this.#find(inner);
  }

  #note({
    stateSchema,
    streamId,
    version,
  }: {
    stateSchema: unknown;
    streamId: unknown;
    version: unknown;
  }): void {
    if (textOf(stateSchema) !== THIS_SCHEMA) return;
    const stream = this.#versions.get(textOf(streamId)) ?? new Set();
    this.#versions.set(textOf(streamId), stream.add(Number(textOf(version))));
  }
}

const THIS_SCHEMA = String(ACCOUNT_SCHEMA);
const OTHER_SCHEMA = String(ACCOUNT_SCHEMA + 1);

const textOf = (attribute: unknown): string => {
  const { S, N } = { S: undefined, N: undefined, ...(attribute as object) };
  return String(S ?? N);
};

/** The code as it is. */
export const thisDeployment = (sightings: SnapshotSightings): Deployment => ({
  write: (_, body) => body,
  read: (body) => sightings.look(body),
});

/**
 * A deployment that comes before or after this code: it adds attributes to commits, records,
 * pending commands and answers, and its snapshots are of another schema, in which a balance is in
 * hundredths.
 * @param tables the names of the tables whose items it puts into its own words.
 */
export const otherDeployment = (
  sightings: SnapshotSightings,
  tables: { readonly events: string; readonly commands: string; readonly queue: string },
): Deployment => {
  const inOtherWords = (put: Put): Put => {
    const { TableName, Item } = put;
    if (TableName === tables.events) return { ...put, Item: otherCommit(Item, sightings) };
    if (TableName === tables.commands || TableName === tables.queue)
      return { ...put, Item: otherRecord(Item) };
    return put;
  };
  return {
    write: (operation, body) => {
      if (operation === 'PutItem') return inOtherWords(body as unknown as Put);
      if (operation !== 'TransactWriteItems') return body;
      const items = body.TransactItems ?? [];
      return {
        ...body,
        TransactItems: items.map((item) => (item.Put ? { Put: inOtherWords(item.Put) } : item)),
      };
    },
    read: (body) => sightings.look(body),
  };
};

const otherCommit = (item: Item, sightings: SnapshotSightings): Item => {
  const version = textOf(item['version']);
  const { [THIS_SCHEMA]: _, ...snapshots } = mapOf(item['snapshots']);
  const seen = sightings.before(textOf(item['streamId']), Number(version));
  const snapshot = item['state'] && {
    state: { M: inHundredths(mapOf(item['state'])) },
    stateSchema: { N: OTHER_SCHEMA },
  };
  return {
    ...item,
    ...snapshot,
    snapshots: {
      M: {
        ...snapshots,
        ...(seen === undefined ? {} : { [THIS_SCHEMA]: { N: String(seen) } }),
        ...(snapshot ? { [OTHER_SCHEMA]: { N: version } } : {}),
      },
    },
    deployment: { S: 'another' },
  };
};

const inHundredths = (state: Item): Item => ({
  ...state,
  balance: { N: `${textOf(state['balance'])}00` },
});

const otherRecord = (item: Item): Item => ({
  ...item,
  ...(item['answer']
    ? { answer: { S: JSON.stringify(otherAnswer(JSON.parse(textOf(item['answer'])))) } }
    : {}),
  ...(item['command']
    ? { command: { M: { ...mapOf(item['command']), deployment: { S: 'another' } } } }
    : {}),
  deployment: { S: 'another' },
});

const otherAnswer = (answer: object): object => ({ ...answer, deployment: 'another' });

/** An answer without what another deployment added. */
export const withoutOtherWords = (answer: object): object => {
  const { deployment: _, ...rest } = { deployment: undefined, ...answer };
  return rest;
};

const mapOf = (attribute: Attribute | undefined): Item => (attribute?.['M'] ?? {}) as Item;
