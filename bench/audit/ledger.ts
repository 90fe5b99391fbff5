import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Tail } from '../../functions/store/stream/tail.ts';
import { allRecords, holdOneOutcome } from './commands.ts';
import { holdPostings } from './postings.ts';
import { hold } from './rule.ts';
import { type SoundStream, soundStream } from './streams.ts';
import { holdTransfers } from './transfers.ts';

/** What to check. */
export interface AuditOptions {
  readonly client: DynamoDBDocumentClient;
  readonly tables: { readonly events: string; readonly commands: string };
  /** Every account, each with the tail to check it from, where that is not its beginning. */
  readonly accounts: ReadonlyMap<string, Tail | undefined>;
  /** What each transfer's caller heard of it. */
  readonly heard: ReadonlyMap<string, string>;
}

/** How much the audit read and found right. */
export interface Audited {
  readonly streams: number;
  readonly events: number;
  readonly commands: number;
}

/**
 * Checks from the tables, after a run, that nothing was lost or made: every stream sound, one
 * outcome per id, every transfer whole, and the sum of all money what came from outside less what
 * went there.
 * @throws {AuditFailure} that says what is wrong.
 */
export const auditLedger = async ({
  client,
  tables,
  accounts,
  heard,
}: AuditOptions): Promise<Audited> => {
  const streams: SoundStream[] = [];
  for (const [id, after] of accounts)
    streams.push(await soundStream(client, tables.events, id, after));
  const records = await allRecords(client, tables.commands);
  holdOneOutcome(records, streams);
  const transfers = holdTransfers(streams, records, heard);
  holdPostings(streams);
  const isUnderWay = (id: string) => transfers.get(id)?.credited !== undefined;
  holdConservation(streams, isUnderWay);
  const events = streams.reduce((sum, stream) => sum + stream.events.length, 0);
  return { streams: streams.length, events, commands: records.length };
};

/** Σ balances − Σ reserved, already credited, not yet settled = Σ from outside − Σ to outside. */
const holdConservation = (
  streams: readonly SoundStream[],
  isCredited: (transferId: string) => boolean,
): void => {
  let [balances, onTheWay, fromOutside] = [0n, 0n, 0n];
  for (const { account, opening, events } of streams) {
    balances += BigInt(account.balance);
    fromOutside += BigInt(opening);
    for (const { transferId, amount } of account.reservations)
      if (isCredited(transferId)) onTheWay += BigInt(amount);
    for (const { type, data } of events) {
      // The legs of a posting come from each other.
      if (type === 'MoneyDeposited' && !data.transferId && !data.postingId)
        fromOutside += BigInt(data.amount);
      if (type === 'MoneyWithdrawn' && !data.transferId && !data.postingId)
        fromOutside -= BigInt(data.amount);
    }
  }
  hold(
    balances - onTheWay === fromOutside,
    `${balances} in the accounts, ${onTheWay} on the way, ${fromOutside} came in`,
  );
};
