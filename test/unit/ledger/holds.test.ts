import { describe, it } from 'vitest';
import { Timestamp, TransferId } from '../../../events/values.ts';
import {
  captured,
  deposited,
  END,
  held,
  MAX,
  opened,
  released,
  reserved,
  settled,
  withdrawn,
} from './facts.ts';
import { given, givenA, NOON, type Refusal } from './given.ts';
import { capture, expire, hold, release, reserve, settle, voidHold, withdraw } from './requests.ts';

const account = [opened(), deposited(100)];
const holding = [...account, held('t1', 60)];
/** The last moment of the holds, and the one in which they are over. */
const LAST = { at: Timestamp.parse('2026-11-21T12:00:59.999Z') };
const OVER = { at: Timestamp.parse(END) };

const ended: Refusal = {
  code: 'hold_ended',
  detail: 'Transfer t1 is held no more, or never was.',
  transferId: TransferId.parse('t1'),
};
const wasCaptured: Refusal = {
  code: 'hold_captured',
  detail: 'The hold of transfer t1 was captured.',
};
const notHeld: Refusal = { code: 'not_held', detail: 'Transfer t1 was never held.' };
const expired: Refusal = {
  code: 'hold_expired',
  detail: `The hold of transfer t1 ended at ${END}.`,
};
const noAccount: Refusal = { code: 'account_not_found', detail: 'There is no account a1.' };

describe('hold', () => {
  it('sets all there is aside', () =>
    given(...account)
      .when(hold('t1', 100))
      .gives(held('t1', 100)));
  it('keeps what is said of it', () =>
    given(...account)
      .when(hold('t1', 5, { reference: 'rent', metadata: { a: 'b' } }))
      .gives(held('t1', 5, { reference: 'rent', metadata: { a: 'b' } })));
  it('rests for 7 days where nothing is said of that', () =>
    given(...account)
      .when(hold('t1', 5, { expiresAt: undefined }))
      .gives(held('t1', 5, { expiresAt: '2026-11-28T12:00:00.000Z' })));
  it('goes down to the overdraft limit', () =>
    given(opened({ overdraftLimit: 50 }))
      .when(hold('t1', 50))
      .gives(held('t1', 50)));
  it('does nothing a second time, while it rests and once it is captured', () => {
    given(...holding)
      .when(hold('t1', 60))
      .gives();
    given(...holding, captured('t1', 60, 60))
      .when(hold('t1', 60))
      .gives();
  });
  it('refuses one that is over before it begins', () =>
    given(...account)
      .when(hold('t1', 5, { expiresAt: NOON }))
      .isRefused({ code: 'hold_expired', detail: `The hold would end at ${NOON}.` }));
  it('refuses one more than there is', () =>
    given(...account)
      .when(hold('t1', 101))
      .isRefused({
        code: 'insufficient_funds',
        detail: '100 available, 101 asked for.',
        available: 100,
      }));
  it('refuses a sum of reservations out of range', () =>
    given(opened({ overdraftLimit: MAX }), deposited(MAX), held('t1', MAX))
      .when(hold('t2', 1))
      .isRefused({
        code: 'amount_out_of_range',
        detail: 'The sum of reservations would leave the range that can be kept exactly.',
      }));
  it('refuses a transfer to the same account', () =>
    given(...account)
      .when(hold('t1', 5, { to: 'a1' }))
      .isRefused({ code: 'same_account', detail: 'A transfer needs two accounts; both are a1.' }));
  it('refuses another currency', () =>
    given(...account)
      .when(hold('t1', 5, { currency: 'USD' }))
      .isRefused({ code: 'currency_mismatch', detail: 'Account a1 is kept in EUR, not in USD.' }));
  it('refuses without an account', () => given().when(hold('t1', 5)).isRefused(noAccount));
});

describe('what is held', () => {
  const tooMuch: Refusal = {
    code: 'insufficient_funds',
    detail: '40 available, 41 asked for.',
    available: 40,
  };
  it('cannot be withdrawn', () =>
    given(...holding)
      .when(withdraw(41))
      .isRefused(tooMuch));
  it('cannot be reserved', () =>
    given(...holding)
      .when(reserve('t2', 41))
      .isRefused(tooMuch));
  it('cannot be held again', () =>
    given(...holding)
      .when(hold('t2', 41))
      .isRefused(tooMuch));
  it('is nobody’s to settle or release, while it rests', () => {
    given(...holding)
      .when(settle('t1'))
      .gives();
    given(...holding)
      .when(release('t1', 'account_not_open'))
      .gives();
  });
});

describe('capture', () => {
  it('takes all of it', () =>
    given(...holding)
      .when(capture('t1'))
      .gives(captured('t1', 60, 60)));
  it('takes a part, and gives the rest back at once', () => {
    given(...holding)
      .when(capture('t1', 20))
      .gives(captured('t1', 20, 60));
    given(...holding, captured('t1', 20, 60))
      .when(withdraw(80))
      .gives(withdrawn(80));
  });
  it('takes the smallest and the largest part', () => {
    given(...holding)
      .when(capture('t1', 1))
      .gives(captured('t1', 1, 60));
    given(...holding)
      .when(capture('t1', 60))
      .gives(captured('t1', 60, 60));
  });
  it('takes it in the last moment', () =>
    given(...holding)
      .when(capture('t1'), LAST)
      .gives(captured('t1', 60, 60)));
  it('has the transfer’s reference', () =>
    given(...holding)
      .when(capture('t1', undefined, { reference: 'rent' }))
      .gives(captured('t1', 60, 60, { reference: 'rent' })));
  it('leaves other holds alone', () =>
    given(...holding, held('t2', 40))
      .when(capture('t2', 7))
      .gives(captured('t2', 7, 40)));
  it('takes what the overdraft holds', () =>
    given(opened({ overdraftLimit: 60 }), held('t1', 60))
      .when(capture('t1'))
      .gives(captured('t1', 60, 60)));
  it('is then settled, or released, as any other', () => {
    given(...holding, captured('t1', 20, 60))
      .when(settle('t1'))
      .gives(...settled('t1', 20));
    given(...holding, captured('t1', 20, 60))
      .when(release('t1', 'x'))
      .gives(released('t1', 20, 'x'));
  });

  it('refuses more than is held', () =>
    given(...holding)
      .when(capture('t1', 61))
      .isRefused({ code: 'exceeds_hold', detail: '60 is held, 61 asked for.' }));
  it('refuses once its time is over, though nobody has ended it', () =>
    given(...holding)
      .when(capture('t1'), OVER)
      .isRefused(expired));
  it('refuses a second time', () =>
    given(...holding, captured('t1', 60, 60))
      .when(capture('t1'))
      .isRefused(wasCaptured));
  it.each(['voided', 'expired'])('refuses what was %s', (reason) =>
    given(...holding, released('t1', 60, reason))
      .when(capture('t1'))
      .isRefused(ended),
  );
  it('refuses what was settled', () =>
    given(...holding, captured('t1', 60, 60), ...settled('t1', 60))
      .when(capture('t1'))
      .isRefused(ended));
  it('refuses what was never held', () =>
    given(...account, reserved('t1', 60))
      .when(capture('t1'))
      .isRefused(notHeld));
  it('refuses a frozen source before it looks at the time', () =>
    givenA('frozen out', ...holding)
      .when(capture('t1'), OVER)
      .isRefused({ code: 'account_not_open', detail: 'Account a1 is frozen.' }));
  it('refuses without an account', () => given().when(capture('t1')).isRefused(noAccount));
});

describe('void', () => {
  it('gives it back', () =>
    given(...holding)
      .when(voidHold('t1'))
      .gives(released('t1', 60, 'voided')));
  it('gives it back though its time is over, where nobody has ended it', () =>
    given(...holding)
      .when(voidHold('t1'), OVER)
      .gives(released('t1', 60, 'voided')));
  it('leaves other holds alone', () =>
    given(...holding, held('t2', 40))
      .when(voidHold('t2'))
      .gives(released('t2', 40, 'voided')));
  it('refuses what was captured', () =>
    given(...holding, captured('t1', 60, 60))
      .when(voidHold('t1'))
      .isRefused(wasCaptured));
  it('refuses a second time', () =>
    given(...holding, released('t1', 60, 'voided'))
      .when(voidHold('t1'))
      .isRefused(ended));
  it('refuses what was never held', () =>
    given(...account, reserved('t1', 60))
      .when(voidHold('t1'))
      .isRefused(notHeld));
  it('refuses without an account', () => given().when(voidHold('t1')).isRefused(noAccount));
});

describe('expire', () => {
  it('gives it back once its time is over', () =>
    given(...holding)
      .when(expire('t1'), OVER)
      .gives(released('t1', 60, 'expired')));
  it('does nothing a moment before', () =>
    given(...holding)
      .when(expire('t1'), LAST)
      .gives());
  it('does nothing to what was captured', () =>
    given(...holding, captured('t1', 60, 60))
      .when(expire('t1'), OVER)
      .gives());
  it('does nothing to what was voided', () =>
    given(...holding, released('t1', 60, 'voided'))
      .when(expire('t1'), OVER)
      .gives());
  it('does nothing to what was never held', () =>
    given(...account, reserved('t1', 60))
      .when(expire('t1'), OVER)
      .gives());
  it('refuses without an account', () => given().when(expire('t1')).isRefused(noAccount));
});

describe('the answer', () => {
  const transfer = {
    transferId: 't1',
    from: 'a1',
    to: 'b1',
    currency: 'EUR',
    heldAmount: 60,
    expiresAt: END,
    requestedAt: NOON,
  };
  const heldStep = { step: 'held', accountId: 'a1', version: 3, at: NOON };
  const rent = { reference: 'rent', metadata: { flat: '3' } };

  it('to a hold is the transfer, held', () =>
    given(...account)
      .when(hold('t1', 60, rent))
      .answers({
        ...transfer,
        ...rent,
        amount: 60,
        status: 'held',
        steps: [heldStep],
        availableAfter: 40,
      }));
  it('to a hold that is captured by now is the transfer as it is', () =>
    given(...holding, captured('t1', 20, 60))
      .when(hold('t1', 60))
      .answers({
        ...transfer,
        amount: 20,
        status: 'reserved',
        steps: [heldStep, { ...heldStep, step: 'reserved', version: 4 }],
        availableAfter: 80,
      }));
  it('to a capture is the transfer, reserved', () =>
    given(...holding)
      .when(capture('t1', 20, { reference: 'rent' }))
      .answers({
        ...transfer,
        amount: 20,
        status: 'reserved',
        reference: 'rent',
        steps: [heldStep, { ...heldStep, step: 'reserved', version: 4 }],
        availableAfter: 80,
      }));
  it('to a void is the transfer, released', () =>
    given(...holding)
      .when(voidHold('t1'))
      .answers({
        ...transfer,
        amount: 60,
        status: 'released',
        reason: 'voided',
        endedAt: NOON,
        steps: [heldStep, { ...heldStep, step: 'released', version: 4 }],
        availableAfter: 100,
      }));
  it('to an expiry is nothing: nobody waits for it', () =>
    given(...holding)
      .when(expire('t1'), OVER)
      .answers(undefined));
});
