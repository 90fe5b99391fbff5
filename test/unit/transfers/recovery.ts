import { vi } from 'vitest';
import { AccountId, Timestamp, Version } from '../../../events/values.ts';
import { createHandler } from '../../../functions/transfers/recover-transfers.ts';
import type { AccountsPage } from '../../../functions/transfers/reservations.ts';
import { TransferInput, type TransferWorkflow } from '../../../functions/transfers/workflow.ts';
import { type TransferRow, transferOf } from '../../../functions/views/transfer-row.ts';
import type { OpenTransfer, Views } from '../../../functions/views/views.ts';
import { createMemoryLedger, type MemoryLedger } from '../projections/memory-ledger.ts';
import { recordedTelemetry } from '../runtime/recorded-telemetry.ts';
import { transfer } from './transfer.ts';

/** In milliseconds. */
export const MINUTE = 60_000;
/** The memory ledger commits around 12:00: 64 minutes and some before. */
export const NOW = Date.parse('2026-11-21T13:05:00.000Z');
/** The time so many minutes ago. */
export const reserved = (age: number) => new Date(NOW - age * MINUTE).toISOString();

/** An open transfer, reserved so many minutes ago. */
export const open = (transferId: string, age = 1.5, from = 'a'): OpenTransfer => {
  const requestedAt = Timestamp.parse(reserved(age));
  const row: TransferRow = {
    ...transfer,
    ...TransferInput.parse({ ...transfer, transferId, from }),
    reserved: { accountId: AccountId.parse(from), version: Version.parse(4), at: requestedAt },
    requestedAt,
  };
  const { correlationId, actor } = row;
  return { ...transferOf(row), correlationId, actor, reservedAt: requestedAt };
};

/** A page of accounts, at the beginning of the table. */
export const page = (...accounts: string[]): AccountsPage => ({
  accounts: accounts.map((accountId) => AccountId.parse(accountId)),
  after: undefined,
  unreadable: [],
});

/** Step Functions as it keeps executions: a name is taken once, and runs until somebody ends it. */
export const machine = () => {
  const taken = new Map<string, 'RUNNING' | 'ENDED'>();
  return {
    taken,
    start: async (name: string) => {
      if (taken.has(name)) return 'already_exists' as const;
      taken.set(name, 'RUNNING');
      return 'started' as const;
    },
    isRunning: async (name: string) => taken.get(name) === 'RUNNING',
    endAll: () => {
      for (const name of taken.keys()) taken.set(name, 'ENDED');
    },
  };
};

/** The function over views, or a ledger's accounts, and a workflow; with what it did. */
export const recovery = ({
  inViews = [],
  views,
  ledger = createMemoryLedger(),
  accounts = [],
  workflow = machine(),
  clock = () => NOW,
}: {
  inViews?: readonly OpenTransfer[];
  views?: Views['openTransfers'];
  ledger?: Pick<MemoryLedger, 'load' | 'history'>;
  accounts?: readonly AccountsPage[];
  workflow?: TransferWorkflow;
  clock?: () => number;
}) => {
  const { telemetry, counts, logger, measured } = recordedTelemetry();
  const start = vi.fn(workflow.start);
  const openTransfers = vi.fn(
    views ??
      async function* (time) {
        for (const found of inViews) {
          const asked =
            'before' in time ? found.reservedAt < time.before : found.reservedAt > time.after;
          if (asked) yield found;
        }
      },
  );
  const asked: unknown[] = [];
  const recover = createHandler({
    views: { openTransfers },
    store: ledger,
    accounts: async function* (after) {
      asked.push(after);
      yield* accounts;
    },
    workflow: { ...workflow, start },
    telemetry,
    clock,
    budget: 1_000,
  });
  const names = () => start.mock.calls.map(([name]) => name);
  return { recover, start, names, openTransfers, counts, logger, asked, measured };
};
