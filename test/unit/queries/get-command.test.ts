import { describe, expect, it, vi } from 'vitest';
import { createHandler } from '../../../functions/queries/get-command.ts';
import { CommandRecord } from '../../../functions/store/deciding/command-record.ts';
import { send } from '../http/request.ts';

const common = { streamId: 'a1', commandId: 'c1', request: 'fingerprint', at: '2026-11-21T10:00:03.000Z' };
const shown = { accountId: 'a1', commandId: 'c1', at: common.at };
const entry = {
  entryId: 'a1-2',
  accountId: 'a1',
  kind: 'deposit',
  amount: 1,
  balanceAfter: 1,
  version: 2,
  at: common.at,
};
const rejection = { code: 'insufficient_funds', detail: '0 available, 1 asked for.', available: 0 };
const pending = {
  ...common,
  outcome: 'pending',
  command: { type: 'deposit', accountId: 'a1', amount: 1 },
  actor: 'local',
  correlationId: 'c1',
};

const justNow = () => Date.parse(common.at) + 1_000;
const later = () => Date.parse(common.at) + 6_000;
const nobody = async () => {
  throw new Error('there is nothing to decide');
};

describe('what became of a command', () => {
  it.each([
    [
      { ...common, outcome: 'accepted', version: 2, answer: entry },
      { status: 'accepted', version: 2, answer: entry },
      undefined,
    ],
    [{ ...common, outcome: 'rejected', rejection }, { status: 'rejected', rejection }, undefined],
    [pending, { status: 'pending' }, '1'],
  ])('is told from its record: %j', async (record, body, retryAfter) => {
    const find = vi.fn(async () => CommandRecord.parse(record));
    const answer = await send(createHandler({ find, decide: nobody, clock: justNow }), {
      path: { accountId: 'a1', commandId: 'c1' },
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ ...shown, ...body });
    expect(answer.headers['Retry-After']).toBe(retryAfter);
    expect(find).toHaveBeenCalledExactlyOnceWith({ streamId: 'a1', commandId: 'c1' });
  });

  it('is decided by who asks, where it has waited for long', async () => {
    const decided = { ...common, outcome: 'accepted', version: 2, answer: entry };
    const find = vi
      .fn()
      .mockResolvedValueOnce(CommandRecord.parse(pending))
      .mockResolvedValueOnce(CommandRecord.parse(decided));
    const decide = vi.fn(async () => {});
    const handler = createHandler({ find, decide, clock: later });
    const answer = await send(handler, { path: { accountId: 'a1', commandId: 'c1' } });
    expect(decide).toHaveBeenCalledExactlyOnceWith('a1', [pending]);
    expect(answer.body).toMatchObject({ status: 'accepted', answer: entry });
  });

  it('is not told of the workflow’s own commands', async () => {
    const find = vi.fn(async () => undefined);
    const answer = await send(createHandler({ find, decide: nobody, clock: justNow }), {
      path: { accountId: 'a1', commandId: 'credit:t1' },
    });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'commandId' }] } });
    expect(find).not.toHaveBeenCalled();
  });
});
