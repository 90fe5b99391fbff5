import { expect, it, vi } from 'vitest';
import { AccountId, Timestamp, TransferId, Version } from '../../../events/values.ts';
import { type OtherSides, readOtherSides } from '../../../functions/projections/other-sides.ts';
import { recordKey } from '../../../functions/store/writing/record-key.ts';
import type { FoundRecord } from '../../../functions/store/writing/write.ts';
import { ROW_SCHEMA } from '../../../functions/views/row.ts';
import { createMemoryLedger } from './memory-ledger.ts';

const [a, b] = [AccountId.parse('a'), AccountId.parse('b')];
const at = '2026-11-21T12:00:00.000Z';
const step = (accountId: string, version: number) => ({ accountId, version, at });
const row = (more: object) => ({
  ...{ pk: 'transfer#t1', sk: 'from#a', schema: ROW_SCHEMA, transferId: 't1', from: 'a', to: 'b' },
  ...{ amount: 1, currency: 'EUR', correlationId: 'k', actor: 'alice', ...more },
});
const answer = {
  ...{ transferId: 't1', from: 'a', to: 'b', amount: 1, currency: 'EUR', status: 'reserved' },
  ...{ requestedAt: at, steps: [{ step: 'reserved', ...step('a', 700) }] },
};

/** Asks for t1, from a to b, whose row is as given. @returns from where which stream was read. */
const readFrom = async (side: AccountId, standing: object | undefined, record?: FoundRecord) => {
  const { load } = createMemoryLedger();
  const recordOf = vi.fn<OtherSides['store']['recordOf']>(async () => record);
  const asOf = vi.fn<OtherSides['store']['asOf']>(async (id) => ({
    ...(await load(id)),
    version: Version.parse(400),
  }));
  const read: string[] = [];
  const sides: OtherSides = {
    streams: {
      pages: async function* (accountId, from) {
        read.push(`${accountId} from ${from}`);
        yield { commits: [], isEmpty: true, next: undefined };
      },
      readable: () => [],
      commitAt: async () => undefined,
    },
    store: { recordOf, asOf },
    rowsOf: async (keys) =>
      keys.map(({ pk }) => (pk === 'transfer#t1' && standing ? { ...standing } : undefined)),
    compare: async () => {},
    isTimeUp: () => false,
  };
  const ref = { transferId: TransferId.parse('t1'), from: a };
  await readOtherSides(sides, side, [ref, ref], undefined);
  return { read, recordOf, asOf };
};

const accepted: FoundRecord = {
  ...{ outcome: 'accepted', key: recordKey('t1'), accountId: a, schema: 1, fingerprint: 'f' },
  ...{ writeId: 'w', at: Timestamp.parse(at), version: Version.parse(700), answer },
};

it('reads a source from where the row says that the transfer began', async () => {
  const { read, recordOf } = await readFrom(b, row({ reserved: step('a', 800) }));
  expect(read).toEqual(['a from 800']);
  expect(recordOf).not.toHaveBeenCalled();
});

it('reads a source from where the record says so, where no row does', async () => {
  const { read, recordOf } = await readFrom(b, undefined, accepted);
  expect(recordOf).toHaveBeenCalledExactlyOnceWith('command:t1');
  expect(read).toEqual(['a from 700']);
});

it('reads a source from its beginning where nobody says so', async () => {
  expect((await readFrom(b, undefined)).read).toEqual(['a from 1']);
});

it('reads a destination for the credit from a minute before the reservation', async () => {
  const { read, asOf } = await readFrom(a, row({ reserved: step('a', 800) }));
  expect(read).toEqual(['b from 400']);
  expect(asOf).toHaveBeenCalledExactlyOnceWith('b', { at: '2026-11-21T11:59:00.000Z' });
});

it.each([
  ['was released', row({ reserved: step('a', 8), released: { ...step('a', 9), reason: 'no' } })],
  ['is credited', row({ reserved: step('a', 8), credited: step('b', 9) })],
  ['is of later code', row({ schema: ROW_SCHEMA + 1 })],
])('reads no destination of what %s', async (_, standing) => {
  expect((await readFrom(a, standing)).read).toEqual([]);
});
