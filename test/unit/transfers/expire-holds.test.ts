import { describe, expect, it, vi } from 'vitest';
import { AccountId, Caller, Timestamp, TransferId } from '../../../events/values.ts';
import type {
  CommandRequest,
  CommandResult,
} from '../../../functions/store/deciding/command-result.ts';
import { createHandler } from '../../../functions/transfers/holds/expire-holds.ts';
import { holdShards } from '../../../functions/views/transfer-row.ts';
import type { DueHold, Views } from '../../../functions/views/views.ts';
import { recordedTelemetry } from '../runtime/recorded-telemetry.ts';
import { accepted, undecided } from './transfer.ts';

const NOW = Date.parse('2026-11-28T12:00:00.000Z');

/** A hold whose time has been over for so many seconds. */
const hold = (transferId: string, from = 'a', seconds = 60): DueHold => ({
  transferId: TransferId.parse(transferId),
  from: AccountId.parse(from),
  expiresAt: Timestamp.parse(new Date(NOW - seconds * 1_000).toISOString()),
  correlationId: `k-${transferId}`,
  actor: Caller.parse('alice'),
});

const [first = '', second = ''] = holdShards;

/** The function over what is due in each partition, and what a store answers. */
const expiry = ({
  due = {},
  views,
  answer = () => accepted,
  clock = () => NOW,
}: {
  readonly due?: Readonly<Record<string, readonly DueHold[]>>;
  readonly views?: Views['dueHolds'];
  readonly answer?: (command: CommandRequest['command']) => unknown;
  readonly clock?: () => number;
}) => {
  const { telemetry, counts, measured, logger } = recordedTelemetry();
  const dueHolds = vi.fn<Views['dueHolds']>(
    views ??
      async function* (shard) {
        yield* due[shard] ?? [];
      },
  );
  const executeTogether = vi.fn(
    async (_: string, requests: readonly CommandRequest[]): Promise<CommandResult[]> =>
      JSON.parse(JSON.stringify(requests.map(({ command }) => answer(command)))),
  );
  const expire = createHandler({
    ...{ views: { dueHolds }, store: { executeTogether }, telemetry, clock, budget: 1_000 },
  });
  const asked = () =>
    executeTogether.mock.calls.map(([accountId, requests]) => [
      accountId,
      ...requests.map(({ command }) =>
        'transferId' in command ? `${command.type} ${command.transferId}` : command.type,
      ),
    ]);
  return { expire, dueHolds, executeTogether, asked, counts, measured, logger };
};

const many = (count: number, name: string) =>
  Array.from({ length: count }, (_, n) => hold(`${name}${n}`, `a${n % 3}`));

describe('expiry', () => {
  it('gives back what is over, those of one account together, in the name of who asked for the hold', async () => {
    const { expire, asked, executeTogether, dueHolds, counts, measured } = expiry({
      due: { [first]: [hold('t1'), hold('t2', 'b'), hold('t3')], [second]: [hold('t4')] },
    });
    expect(await expire({})).toEqual({ due: 4, ended: 4, hasMore: false });
    expect(asked().toSorted()).toEqual([
      ['a', 'expire t1', 'expire t3'],
      ['a', 'expire t4'],
      ['b', 'expire t2'],
    ]);
    expect(executeTogether.mock.calls.flatMap(([, requests]) => requests)).toContainEqual({
      command: { type: 'expire', accountId: 'a', transferId: 't1' },
      ...{ actor: 'alice', correlationId: 'k-t1' },
    });
    expect(dueHolds.mock.calls.map(([shard, before]) => [shard, before])).toEqual(
      holdShards.map((shard) => [shard, '2026-11-28T12:00:00.000Z']),
    );
    expect(counts).toMatchObject({ HoldsExpired: 4 });
    expect(measured).toMatchObject({ OldestOverdueHoldAge: [0] });
  });

  it('says that it looked where nothing is over', async () => {
    const { expire, measured, executeTogether } = expiry({});
    expect(await expire({})).toEqual({ due: 0, ended: 0, hasMore: false });
    expect(measured).toMatchObject({ OldestOverdueHoldAge: [0] });
    expect(executeTogether).not.toHaveBeenCalled();
  });

  it('takes 500 of a partition at most, and says how old the first of the rest is', async () => {
    const rest = hold('rest', 'a', 90);
    const { expire, counts, measured } = expiry({
      due: { [first]: [...many(500, 't'), rest, hold('last')], [second]: many(3, 'u') },
    });
    expect(await expire({})).toEqual({ due: 503, ended: 503, hasMore: true });
    expect(counts).toMatchObject({ HoldsExpired: 503 });
    expect(measured).toMatchObject({ OldestOverdueHoldAge: [90_000] });
  });

  it('is not kept from the others by what fails, however much of it comes first', async () => {
    const { expire, counts, measured, logger } = expiry({
      due: { [first]: [...many(700, 'bad'), hold('t1', 'c')] },
      answer: (command) =>
        'transferId' in command && command.transferId.startsWith('bad') ? undecided : accepted,
    });
    await expect(expire({})).rejects.toThrow('700 failures on the way to 701 holds');
    expect(counts).toMatchObject({ HoldsExpired: 1, HoldExpiryFailures: 700 });
    expect(measured).toMatchObject({ OldestOverdueHoldAge: [60_000] });
    expect(logger.error).toHaveBeenCalledWith(
      'a hold could not be given back',
      expect.objectContaining({ transferId: 'bad0' }),
    );
  });

  it('goes on with the other accounts and partitions where one of them fails', async () => {
    const { expire, asked, executeTogether, measured } = expiry({
      views: async function* (shard) {
        if (shard === first) throw new Error('throttled');
        if (shard === second) yield* [hold('t1', 'broken', 120), hold('t2')];
      },
    });
    executeTogether.mockImplementationOnce(async () => {
      throw new Error('unreadable');
    });
    await expect(expire({})).rejects.toThrow('2 failures on the way to 2 holds');
    expect(asked()).toContainEqual(['a', 'expire t2']);
    expect(measured).toMatchObject({ OldestOverdueHoldAge: [120_000] });
  });

  it('says nothing of an age where a partition could not be read and nothing was seen: the alarm that it did not run rings', async () => {
    const { expire, measured } = expiry({
      // biome-ignore lint/correctness/useYield: it fails at once.
      views: async function* () {
        throw new Error('throttled');
      },
    });
    await expect(expire({})).rejects.toThrow('8 failures');
    expect(measured).toEqual({});
  });

  it('begins nothing once its time is up, and leaves the rest to the next call', async () => {
    let now = NOW;
    const { expire, measured } = expiry({
      due: { [first]: many(200, 't') },
      answer: () => {
        now += 30;
        return accepted;
      },
      clock: () => now,
    });
    expect(await expire({})).toEqual({ due: 50, ended: 50, hasMore: true });
    expect(measured).toMatchObject({ OldestOverdueHoldAge: [60_000] });
  });

  it('tells of a row that cannot be read', async () => {
    const { expire, counts } = expiry({
      views: async function* (shard, _, passOver) {
        if (shard !== first) return;
        passOver(Object.assign(new Error('damaged'), { pk: 'p', sk: 's' }) as never);
        yield hold('t1');
      },
    });
    await expect(expire({})).rejects.toThrow('1 failures on the way to 1 holds');
    expect(counts).toMatchObject({ HoldsExpired: 1, HoldExpiryFailures: 1 });
  });
});
