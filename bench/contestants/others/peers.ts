import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CreateTableCommand, type CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { failureOf } from '../../../functions/runtime/failure.ts';
import { holdPeerEvents, PeerEvents } from '../../audit/peers.ts';
import { UNFINISHED, UNKNOWN } from '../../load/drive.ts';
import type { Transfer } from '../../load/ledger-requests.ts';
import { OPENING_BALANCE } from '../../load/workload.ts';
import { createMeter, meteredClient } from '../../metering.ts';
import type { Contestant } from '../contestant.ts';
import { retryWithFullJitter } from './retry.ts';

/**
 * Other event stores on DynamoDB, which are installed apart: see bench/peers. Each takes part twice:
 * by its own policy for lost races, and trying once, with full jitter between the tries until the
 * time is up. Callers share nothing.
 *
 * A transfer is two appends, each with optimistic concurrency: a withdrawal from the source, then a
 * deposit to the destination. A withdrawal that the library gives up ends the transfer, as its
 * caller's own request; a deposit that it gives up the caller asks for again until it is done, since
 * the money is on its way, as the callers of {@link transferInSteps} do.
 * @returns none where they are not installed.
 * @throws whatever a library throws while it is loaded.
 */
export const peersWhereInstalled = async (): Promise<readonly Contestant[]> => {
  try {
    const peers = await Promise.all(
      PEERS.map(async ({ file, ...peer }) => {
        const url = pathToFileURL(join(import.meta.dirname, '../../peers', file)).href;
        return { ...peer, ...Library.parse(await import(url)) };
      }),
    );
    return peers.flatMap(({ name, policy, ...library }) => [
      peer(`${name}, ${policy}`, library, { retries: true }),
      peer(`${name}, full jitter`, library, { retries: false }),
    ]);
  } catch (error) {
    if (isNotInstalled(error)) return [];
    throw error;
  }
};

/** How to have them take part, in one line. */
export const HOW_TO_INSTALL_PEERS =
  'castore, equinox-js and event-store-adapter-js are left out: npm ci --prefix bench/peers installs them.';

const PEERS = [
  { name: 'castore', policy: 'its own retries', file: 'castore.mjs' },
  { name: 'equinox-js', policy: 'its own retries', file: 'equinox.mjs' },
  { name: 'event-store-adapter-js', policy: 'one try', file: 'event-store-adapter.mjs' },
];

const isNotInstalled = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';

/** A change of one account. */
interface Change {
  readonly accountId: string;
  readonly type: 'Opened' | 'Deposited' | 'Withdrawn';
  readonly amount: number;
  readonly transferId?: string;
}

/** @returns `appended`, `insufficient_funds`, `lost` where it lost its races, or {@link UNKNOWN}. */
type Append = (change: Change) => Promise<string>;

interface Policy {
  /** Whether the library tries again after a lost race by its own policy, or not at all. */
  readonly retries: boolean;
}

type Open = (client: DynamoDBDocumentClient, policy: Policy) => Append;

/** What a file in bench/peers says of its library. */
const Library = z.object({
  tables: z.array(z.custom<CreateTableCommandInput>()),
  eventsTable: z.string(),
  open: z.custom<Open>((value) => typeof value === 'function'),
  eventsIn: z.custom<(item: Record<string, unknown>) => unknown>(
    (value) => typeof value === 'function',
  ),
});
type Library = z.infer<typeof Library>;

const peer = (name: string, library: Library, policy: Policy): Contestant => ({
  name,
  open: async (engine, workloads) => {
    const database = await engine.database();
    const meter = createMeter();
    const direct = meteredClient({ config: database.direct }, createMeter());
    for (const table of library.tables) await direct.send(new CreateTableCommand(table));
    const accounts = workloads.flatMap((workload) => workload.accounts);
    const plant = library.open(direct, { retries: false });
    for (const accountId of accounts)
      await plant({ accountId, type: 'Opened', amount: OPENING_BALANCE });

    const most = Math.max(...workloads.map(({ concurrency }) => concurrency));
    const clients = Array.from({ length: most }, () => meteredClient(database, meter));
    const appends = clients.map((client) => orUnknown(library.open(client, policy)));
    return {
      transfer: (transfer, caller, signal) =>
        transferInTwo(appends[caller] ?? plant, policy, transfer, signal),
      usage: meter.take,
      audit: async (heard) => holdPeerEvents(await allEvents(direct, library), accounts, heard),
      close: async () => {
        for (const client of [direct, ...clients]) client.destroy();
      },
    };
  },
});

/** Where a result was not heard, none of the libraries can ask for it again. */
const orUnknown =
  (append: Append): Append =>
  async (change) => {
    try {
      return await append(change);
    } catch (error) {
      if (failureOf(error).kind === 'unknown') return UNKNOWN;
      throw error;
    }
  };

const transferInTwo = async (
  append: Append,
  { retries }: Policy,
  { id: transferId, from, to, amount }: Transfer,
  signal: AbortSignal,
): Promise<string> => {
  /** @returns `undefined` where it lost its races. */
  const once = async (change: Change): Promise<string | undefined> => {
    const outcome = await append(change);
    return outcome === 'lost' ? undefined : outcome;
  };
  const withdrawal: Change = { accountId: from, type: 'Withdrawn', amount, transferId };
  const withdrawn = retries
    ? await append(withdrawal)
    : await retryWithFullJitter(signal, () => once(withdrawal));
  if (withdrawn !== 'appended') return withdrawn;
  // The money is on its way.

  const deposit: Change = { accountId: to, type: 'Deposited', amount, transferId };
  let deposited: string | undefined;
  if (retries) while (!(deposited || signal.aborted)) deposited = await once(deposit);
  else deposited = await retryWithFullJitter(signal, () => once(deposit));
  return deposited === 'appended' ? 'settled' : (deposited ?? UNFINISHED);
};

/** Reads all events from the table, past the library. */
const allEvents = async (
  client: DynamoDBDocumentClient,
  { eventsTable: TableName, eventsIn }: Library,
): Promise<PeerEvents> => {
  const events: PeerEvents = [];
  let cursor: Record<string, unknown> | undefined;
  do {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new ScanCommand({
        TableName,
        ConsistentRead: true,
        ...(cursor ? { ExclusiveStartKey: cursor } : {}),
      }),
    );
    events.push(...Items.flatMap((item) => PeerEvents.parse(eventsIn(item))));
    cursor = LastEvaluatedKey;
  } while (cursor);
  return events;
};
