import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import canonicalize from 'canonicalize';
import { type Account, available, evolve } from '../../functions/ledger/account.ts';
import {
  type Commit,
  type CommittedEvent,
  readCommit,
} from '../../functions/store/stream/commit.ts';
import type { Tail } from '../../functions/store/stream/tail.ts';
import { hold } from './rule.ts';

/** A stream that was read from its table and found sound. */
export interface SoundStream {
  readonly streamId: string;
  readonly account: Account;
  /** The balance before the events: what the account held at the tail that reading began after. */
  readonly opening: number;
  readonly events: readonly CommittedEvent[];
  /** The id of the write that an event came with, by its version. */
  readonly writeIdOf: (version: number) => string | undefined;
  /** The commits that hold events of each command, by the command's id. */
  readonly commitsOf: ReadonlyMap<string, readonly number[]>;
}

/**
 * Reads a stream from its table and checks what must always hold of it: versions without a gap,
 * hashes that follow from each other, snapshots that equal the fold, an account never spends more
 * than it has, and no command is in two commits.
 * @param after where to begin; absent: at the stream's first commit.
 * @throws {AuditFailure} naming the first commit that breaks a rule.
 */
export const soundStream = async (
  client: DynamoDBDocumentClient,
  table: string,
  streamId: string,
  after?: Tail,
): Promise<SoundStream> => {
  let [version, hash, account] = [after?.version ?? 0, after?.hash ?? '', after?.account];
  const events: CommittedEvent[] = [];
  const commitsOf = new Map<string, number[]>();
  const writeIds = new Map<number, string>();
  for await (const item of itemsAfter(client, table, streamId, version)) {
    const commit = readCommit(item);
    const place = `${streamId}/${commit.version}`;
    hold(commit.version === version + 1, `${place} follows version ${version}`);
    hold(
      commit.hash === chained(hash, item),
      `${place}: its hash does not follow from the commit before it`,
    );
    account = foldSoundly(account, commit);
    for (const commandId of new Set(commit.events.map(({ origin }) => origin.commandId))) {
      commitsOf.set(commandId, [...(commitsOf.get(commandId) ?? []), commit.version]);
    }
    events.push(...commit.events);
    for (const event of commit.events) writeIds.set(event.version, commit.writeId);
    [version, hash] = [version + commit.count, commit.hash];
  }
  hold(account !== undefined, `${streamId}: there is no such stream`);
  for (const [commandId, commits] of commitsOf) {
    hold(
      commits.length === 1,
      `${streamId}: command ${commandId} is in the commits ${commits.join(', ')}`,
    );
  }
  return {
    ...{ streamId, account, opening: after?.account?.balance ?? 0, events, commitsOf },
    writeIdOf: (at) => writeIds.get(at),
  };
};

const foldSoundly = (before: Account | undefined, commit: Commit): Account | undefined => {
  let account = before;
  for (const event of commit.events) {
    account = evolve(account, event);
    const place = `${commit.streamId}/${event.version}`;
    hold(available(account) >= -account.overdraftLimit, `${place} spends more than there is`);
  }
  const { snapshot } = commit;
  const equal = snapshot === undefined || isDeepStrictEqual(snapshot, account);
  hold(equal, `${commit.streamId}/${commit.version}: its snapshot is not the fold of its events`);
  return account;
};

async function* itemsAfter(
  client: DynamoDBDocumentClient,
  table: string,
  streamId: string,
  version: number,
): AsyncGenerator<Record<string, unknown>> {
  let cursor: Record<string, unknown> | undefined;
  do {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'streamId = :streamId AND #version > :version',
        ExpressionAttributeNames: { '#version': 'version' },
        ExpressionAttributeValues: { ':streamId': streamId, ':version': version },
        ConsistentRead: true,
        ...(cursor ? { ExclusiveStartKey: cursor } : {}),
      }),
    );
    yield* Items;
    cursor = LastEvaluatedKey;
  } while (cursor);
}

/**
 * It follows the description of the format and not the store's code, so that it checks that code.
 */
const chained = (previous: string, item: Record<string, unknown>): string => {
  const facts = Object.fromEntries(
    COVERED.flatMap((name) => (name in item ? [[name, item[name]]] : [])),
  );
  return createHash('sha256')
    .update(previous)
    .update(canonicalize(facts) ?? '')
    .digest('base64url');
};

const COVERED = [
  'streamId',
  'version',
  'count',
  'events',
  'at',
  'writeId',
  'commandId',
  'actor',
  'correlationId',
  'commands',
];
