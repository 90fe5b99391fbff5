import type { CommandRequest } from '../../functions/store/deciding/command-result.ts';
import type { Store } from '../../functions/store/store.ts';
import type { Tail } from '../../functions/store/stream/tail.ts';
import { untilNoneWaits } from '../audit/commands.ts';
import { type Audited, auditLedger } from '../audit/ledger.ts';
import { createStoreCaller } from '../contestants/store-caller.ts';
import { startStreamFunctions } from '../contestants/stream-functions.ts';
import { transferInSteps } from '../contestants/transfer-steps.ts';
import type { Database } from '../engine.ts';
import { requests } from '../load/ledger-requests.ts';
import { plantHistory } from '../load/plant.ts';
import { createMeter, meteredClient } from '../metering.ts';
import { costOf, type MeasuredCost, type Operation, type Way } from './measured-cost.ts';

/** The names of the designs that are measured here. */
export const HOLDFAST = 'Holdfast';
export const RETRYING = 'optimistic retrying';

/** Measures what commands cost with Holdfast's store. */
export interface HoldfastCosts {
  /** Measures one caller's one command, on an account that has this many events. */
  alone(operation: Operation, history: number): Promise<MeasuredCost>;
  /**
   * Measures many callers at once on one account.
   * @param design queueing for it, or racing.
   */
  contended(
    design: typeof HOLDFAST | typeof RETRYING,
    operation: Operation,
    history: number,
  ): Promise<MeasuredCost>;
  /** Checks from the tables that nothing was lost. */
  audit(): Promise<Audited>;
  close(): Promise<void>;
}

/** How many callers contend, and how many commands each of them sends, one after the other. */
const CONTENDING = { callers: 100, each: 2 };

/**
 * Plants accounts with histories and makes callers ready.
 * @param histories numbers of events.
 */
export const openHoldfastCosts = async (
  database: Database,
  histories: readonly number[],
): Promise<HoldfastCosts> => {
  const { tables } = database;
  const meter = createMeter();
  const direct = meteredClient(database, createMeter());
  const accounts = new Map<string, Tail | undefined>();
  for (const events of histories) {
    accounts.set(
      accountWith(events),
      await plantHistory(direct, tables.events, accountWith(events), events),
    );
    accounts.set(
      partnerOf(events),
      await plantHistory(direct, tables.events, partnerOf(events), 2),
    );
  }
  const caller = (queueing: boolean) => createStoreCaller(database, meter, { queueing });
  const queueing = Array.from({ length: CONTENDING.callers }, () => caller(true));
  const racing = Array.from({ length: CONTENDING.callers }, () => caller(false));
  const single = caller(true);
  const functions = await startStreamFunctions(database, single.store);
  const heard = new Map<string, string>();
  let sent = 0;

  /** @param name of the account that is opened, where one is. */
  const send = async (
    store: Store,
    operation: Operation,
    history: number,
    name: string,
  ): Promise<void> => {
    const id = `${operation.replaceAll(/\W+/g, '-')}-${sent++}`;
    if (isWay(operation)) {
      const transfer = { id, from: accountWith(history), to: partnerOf(history), amount: 1 };
      // The caller repeats the reservation too until it is made: the cost is that of a transfer,
      // not of a failure.
      while ((await WAYS[operation](store, transfer, new AbortController().signal)) !== 'settled');
      heard.set(id, 'settled');
      return;
    }
    if (operation.startsWith('open')) accounts.set(name, undefined);
    await untilDecided(store, requestFor(operation, accountWith(history), name, id));
  };

  return {
    alone: async (operation, history) => {
      const name = `opened-${sent}`;
      const cost = await costOf(meter, { callers: 1, each: 1 }, () =>
        send(single.store, operation, history, name),
      );
      return { design: HOLDFAST, operation, history, ...cost };
    },
    contended: async (design, operation, history) => {
      const callers = design === HOLDFAST ? queueing : racing;
      // All callers open the same account, or change the same one.
      const name = `opened-${sent}`;
      const cost = await costOf(meter, CONTENDING, (n) =>
        send((callers[n] ?? single).store, operation, history, name),
      );
      return { design, operation, history, ...cost };
    },
    audit: async () => {
      await untilNoneWaits(direct, tables.commands);
      return auditLedger({ client: direct, tables, accounts, heard });
    },
    close: async () => {
      await functions.stop();
      for (const each of [...queueing, ...racing, single]) each.close();
      direct.destroy();
    },
  };
};

/** How a caller makes a transfer each way. */
const WAYS: Readonly<
  Record<Way, (...request: Parameters<typeof transferInSteps>) => Promise<string>>
> = {
  'transfer, the short way': (store, transfer, signal) =>
    transferInSteps(store, transfer, signal, true),
  'transfer, the long way': (store, transfer, signal) => transferInSteps(store, transfer, signal),
};

const isWay = (operation: Operation): operation is Way => operation in WAYS;

const accountWith = (events: number) => `account-with-${events}`;
const partnerOf = (events: number) => `partner-of-${events}`;

const requestFor = (
  operation: Operation,
  accountId: string,
  name: string,
  id: string,
): CommandRequest => {
  switch (operation) {
    case 'open':
      return requests.open(name);
    case 'open, with id':
      return requests.open(name, id);
    case 'deposit':
      return requests.deposit(accountId, 1);
    case 'deposit, with id':
      return requests.deposit(accountId, 1, id);
    case 'withdraw':
      return requests.withdraw(accountId, 1);
    case 'withdraw, with id':
      return requests.withdraw(accountId, 1, id);
    default:
      throw new Error(`${operation} is no single command`);
  }
};

/** A rejection is an outcome too: of many who open an account, one does. */
const untilDecided = async (store: Store, request: CommandRequest): Promise<void> => {
  for (;;) {
    const { outcome } = await store.execute(request);
    if (outcome !== 'undecided' && outcome !== 'in_progress') return;
  }
};
