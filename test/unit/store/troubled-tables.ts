import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { Amount } from '../../../events/values.ts';
import { LONGEST_REQUEST_MS } from '../../../functions/runtime/budgets.ts';
import type { Tail } from '../../../functions/store/stream/tail.ts';
import { plantedCommit } from '../../../testing/planted-commit.ts';
import type { VirtualTime } from '../../setup/virtual-time.ts';

type Item = Readonly<Record<string, unknown>>;

/**
 * What becomes of a request: answered, but late; never answered; refused; or answered only every
 * other time.
 */
type Fate =
  | 'late'
  | 'hangs'
  | 'every other hangs'
  | 'throttled'
  | 'conflict'
  | 'lost'
  | 'nothing said';

/** What becomes of requests, by what they do. `records` are reads of single items. */
export interface Trouble {
  readonly reads: Fate;
  readonly records: Fate;
  readonly writes: Fate;
}

/** A stream that rivals append to. */
export interface TroubledStream {
  tail: Tail;
  readonly items: Item[];
}

/** Tables in virtual time, as bad as they may be. */
export const createTroubledTables = (
  time: VirtualTime,
  { reads, records, writes }: Trouble,
  contents: {
    readonly streams: ReadonlyMap<string, TroubledStream>;
    readonly records: Map<string, Item>;
  },
): DynamoDBDocumentClient => {
  const { streams } = contents;
  let asked = 0;
  const base = new DynamoDBClient({
    region: 'nowhere',
    credentials: { accessKeyId: 'a', secretAccessKey: 's' },
  });
  const answers = (operation: string, input: Input): object => {
    if (operation === 'Query') return { Items: found(input) };
    if (operation === 'GetItem')
      return { Item: contents.records.get(String(input.Key?.['key'] ?? '')) };
    return write(input);
  };

  const found = ({
    ExpressionAttributeValues: values = {},
    IndexName,
    ScanIndexForward,
    Limit,
  }: Input): Item[] => {
    const items = IndexName ? [] : (streams.get(String(values[':streamId']))?.items ?? []);
    const [from, to] = [
      Number(values[':from'] ?? 0),
      Number(values[':to'] ?? values[':notAfter'] ?? 0),
    ];
    const within = items.filter(({ version }) => Number(version) >= from && Number(version) <= to);
    return (ScanIndexForward === false ? within.toReversed() : within).slice(0, Limit);
  };

  const write = (input: Input): object => {
    const standing = putsOf(input).map(({ Item, ConditionExpression: condition }) => {
      const stands = condition === undefined ? undefined : standingAt(Item);
      return stands &&
        (condition?.includes('not_exists') || stands['writeId'] !== Item['pendingId'])
        ? stands
        : undefined;
    });
    if (standing.some((item) => item !== undefined)) throw refused(input, standing);
    return {};
  };
  const standingAt = ({ streamId, version, key }: Item): Item | undefined =>
    key === undefined
      ? streams.get(String(streamId))?.items.find((item) => item['version'] === version)
      : contents.records.get(String(key));

  /** Somebody else is always faster. */
  const lose = (input: Input): never => {
    const standing = putsOf(input).map(({ Item }) => {
      const stream = streams.get(String(Item['streamId']));
      if (Item['version'] === undefined || !stream) return undefined;
      const event = {
        type: 'MoneyDeposited' as const,
        v: 1 as const,
        data: { amount: Amount.parse(1) },
      };
      const id = `rival-${stream.tail.version}`;
      const next = plantedCommit(
        stream.tail,
        id,
        [{ commandId: id, events: [event] }],
        time.clock(),
      );
      if (next === 'too_large') throw new Error('a rival is too large');
      stream.tail = next.tail;
      stream.items.push(next.item);
      return next.item;
    });
    throw refused(input, standing);
  };

  base.middlewareStack.add(
    (_, context) =>
      async ({ input: sent }) => {
        const input = lookedAt(sent);
        const operation = String(context['commandName']).replace('Command', '');
        const fate =
          operation === 'GetItem'
            ? records
            : operation === 'Query' || operation === 'Scan'
              ? reads
              : writes;
        asked += 1;
        const hangs = fate === 'hangs' || (fate === 'every other hangs' && asked % 2 === 1);
        await time.sleep(hangs ? LONGEST_REQUEST_MS : LONGEST_REQUEST_MS - 100);
        if (hangs) throw named('TimeoutError');
        if (fate === 'throttled') throw named('ThrottlingException');
        if (fate === 'conflict') throw named('TransactionConflictException');
        if (fate === 'lost') lose(input);
        if (fate === 'nothing said') throw refused(input, []);
        return {
          response: {},
          output: { $metadata: {}, ConsumedCapacity: {}, ...answers(operation, input) },
        };
      },
    { step: 'initialize', priority: 'low' },
  );
  return DynamoDBDocumentClient.from(base);
};

interface Put {
  readonly Item: Item;
  readonly ConditionExpression?: string | undefined;
}

/** What is looked at of any request. */
interface Input {
  readonly Item?: Item | undefined;
  readonly ConditionExpression?: string | undefined;
  readonly TransactItems?: readonly { readonly Put: Put }[] | undefined;
  readonly Key?: Item | undefined;
  readonly ExpressionAttributeValues?: Item | undefined;
  readonly IndexName?: string | undefined;
  readonly ScanIndexForward?: boolean | undefined;
  readonly Limit?: number | undefined;
}

const lookedAt = (input: object): Input => ({ ...input });

const putsOf = ({ Item, ConditionExpression, TransactItems }: Input): readonly Put[] =>
  TransactItems?.map(({ Put }) => Put) ??
  (Item ? [{ Item, ...(ConditionExpression === undefined ? {} : { ConditionExpression }) }] : []);

const named = (name: string, fields: object = {}) =>
  Object.assign(new Error(name), { name, ...fields });

const refused = ({ TransactItems }: Input, standing: readonly (Item | undefined)[]) => {
  const shown = (item: Item | undefined) =>
    item ? { Item: marshall({ ...item }, { removeUndefinedValues: true }) } : {};
  if (!TransactItems) return named('ConditionalCheckFailedException', shown(standing[0]));
  const known = standing.some((item) => item !== undefined);
  const reasons = TransactItems.map((_, index) =>
    known && !standing[index]
      ? { Code: 'None' }
      : { Code: 'ConditionalCheckFailed', ...shown(standing[index]) },
  );
  return named('TransactionCanceledException', { CancellationReasons: reasons });
};
