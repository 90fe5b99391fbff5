import { randomUUID } from 'node:crypto';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { AccountId } from '../../../events/values.ts';
import type { CommandRequest } from '../../../functions/store/deciding/command-result.ts';
import { type Plan, planFor } from '../../../functions/store/deciding/plan.ts';
import { loadTail } from '../../../functions/store/stream/read.ts';
import { fingerprint } from '../../../functions/store/writing/command-record.ts';
import type { Audited } from '../../audit/ledger.ts';
import { hold } from '../../audit/rule.ts';
import { soundStream } from '../../audit/streams.ts';
import { UNKNOWN } from '../../load/drive.ts';
import { requests, type Transfer } from '../../load/ledger-requests.ts';
import { OPENING_BALANCE } from '../../load/workload.ts';

/** The two commands of a transfer that is no saga: money leaves one stream and enters another. */
export const sidesOf = ({ id, from, to, amount }: Transfer) => ({
  debit: { accountId: from, request: requests.withdraw(from, amount), commandId: `debit:${id}` },
  credit: { accountId: to, request: requests.deposit(to, amount), commandId: `credit:${id}` },
});

/** One of them. */
interface Side {
  readonly accountId: string;
  readonly request: CommandRequest;
  readonly commandId: string;
}

/** Loads a side's stream and decides on it, as Holdfast's store does, without a record. */
export const planSide = async (
  tables: { readonly client: DynamoDBDocumentClient; readonly eventsTable: string },
  { accountId, request, commandId }: Side,
): Promise<Plan> => {
  const { command, actor, correlationId } = request;
  const origin = { commandId, actor, correlationId };
  const submission = { command, fingerprint: fingerprint(command), keys: [], origin };
  const tail = await loadTail(tables, (ask) => ask(), AccountId.parse(accountId));
  const planned = planFor([tail], [submission], new Map(), randomUUID(), Date.now());
  if (planned === 'too_large' || 'missing' in planned)
    throw new Error(`${accountId}: it cannot be planned`);
  return planned;
};

/**
 * Checks that every stream is sound, that each transfer has both sides or none, as its caller
 * heard, and that no money was lost or made.
 * @throws {AuditFailure} where one of these does not hold.
 */
export const auditSides = async (
  client: DynamoDBDocumentClient,
  eventsTable: string,
  accounts: readonly string[],
  heard: ReadonlyMap<string, string>,
): Promise<Audited> => {
  const streams = await Promise.all(accounts.map((id) => soundStream(client, eventsTable, id)));
  const found = (id: string) => streams.filter(({ commitsOf }) => commitsOf.has(id)).length;
  for (const [id, outcome] of heard) {
    const sides = [found(`debit:${id}`), found(`credit:${id}`)].join('/');
    const expected = outcome === 'settled' ? ['1/1'] : outcome === UNKNOWN ? EITHER : ['0/0'];
    hold(expected.includes(sides), `transfer ${id} ${outcome}, with ${sides} commits`);
  }
  const balances = streams.reduce((sum, { account }) => sum + account.balance, 0);
  hold(
    balances === accounts.length * OPENING_BALANCE,
    `${balances} in ${accounts.length} accounts`,
  );
  const events = streams.reduce((sum, stream) => sum + stream.events.length, 0);
  return { streams: streams.length, events, commands: 0 };
};

const EITHER = ['0/0', '1/1'];
