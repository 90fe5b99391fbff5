import { describe, expect, it } from 'vitest';
import { createHandler as createRelease } from '../../../functions/transfers/release-transfer.ts';
import { createHandler as createSettle } from '../../../functions/transfers/settle-transfer.ts';
import { recordedTelemetry } from '../runtime/recorded-telemetry.ts';
import {
  accepted,
  incomplete,
  rejectedFor,
  storeThatAnswers,
  transfer,
  undecided,
} from './transfer.ts';

const credited = { outcome: 'credited' };
const rejected = { outcome: 'rejected', reason: 'account_not_found' };

describe.each([
  { step: 'settle', createHandler: createSettle, credit: credited, command: { type: 'settle' } },
  {
    step: 'release',
    createHandler: createRelease,
    credit: rejected,
    command: { type: 'release', reason: 'account_not_found' },
  },
])('to $step', ({ step, createHandler, credit, command }) => {
  const handle = (
    store: ReturnType<typeof storeThatAnswers>,
    input: unknown = { ...transfer, credit },
  ) => createHandler({ store, telemetry: recordedTelemetry().telemetry })(input);

  it('is a command on the source, in the name of who requested the transfer, without a key', async () => {
    // The line of the statement says what the transfer is for.
    const said = step === 'settle' ? { reference: 'rent' } : {};
    const store = storeThatAnswers(accepted);
    await handle(store);
    expect(store.execute).toHaveBeenCalledExactlyOnceWith({
      command: { ...command, ...said, accountId: 'a', transferId: 't1' },
      actor: 'alice',
      correlationId: 'k1',
    });
  });

  it.each([...undecided, rejectedFor('account_not_found'), { outcome: 'key_reused' }])(
    'is tried again by the workflow when it is not accepted: %o',
    async (result) => {
      await expect(handle(storeThatAnswers(result))).rejects.toMatchObject({
        name: 'UndecidedStep',
        message: expect.stringContaining(`the ${step} of transfer t1 is not decided`),
      });
    },
  );

  it.each([
    ['no credit was tried', undefined],
    ['the credit says the opposite', step === 'settle' ? rejected : credited],
    ['the credit says what nobody knows', { outcome: 'maybe', reason: 'x' }],
  ])('is refused when %s', async (_, other) => {
    const store = storeThatAnswers(accepted);
    await expect(handle(store, { ...transfer, credit: other })).rejects.toThrow(
      /not an input of this function.*credit/s,
    );
    expect(store.execute).not.toHaveBeenCalled();
  });

  it.each(incomplete)('is refused without $field', async ({ field, input }) => {
    await expect(handle(storeThatAnswers(accepted), { ...input, credit })).rejects.toThrow(field);
  });
});
