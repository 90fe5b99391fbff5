import { expect } from 'vitest';
import type { AccountEvent, RecordedEvent } from '../../../events/event.ts';
import { Caller, Timestamp, Version } from '../../../events/values.ts';
import {
  type Account,
  type Circumstances,
  type Command,
  decide,
  evolve,
  initialState,
  type Part,
  type RejectionCode,
} from '../../../functions/ledger/account.ts';
import { answerOf } from '../../../functions/ledger/answers.ts';
import { deepFreeze } from '../../properties/history.ts';
import { closed, frozen } from './facts.ts';

/** The time of every commit in a test, unless it says another. */
export const NOON = '2026-11-21T12:00:00.000Z';

/** What a decision depends on besides the account, in a test that says nothing of it. */
export const NOW: Circumstances = { at: Timestamp.parse(NOON), reversed: 0 };

/** The owner of account a1, who asks for everything. */
export const ALICE = Caller.parse('alice');

/** A command that one account decides. */
export const partOf = (command: Command): Exclude<Command, { type: 'post' }> => {
  if (command.type === 'post') throw new Error('a posting is of several accounts');
  return command;
};

/** Events as the store records them: versions from `first` on, all of one time. */
export const recorded = (events: readonly AccountEvent[], first = 1, at = NOON): RecordedEvent[] =>
  events.map((event, index) => ({
    ...event,
    version: Version.parse(first + index),
    at: Timestamp.parse(at),
  }));

/** The account that events lead to, from its first one. */
export const fold = (events: readonly RecordedEvent[]): Account | undefined =>
  events.reduce<Account | undefined>(evolve, initialState);

/**
 * An example of the ledger's rules in one line: given these events, this command gives those, or is
 * refused.
 * @param events the stream of account a1 so far.
 */
export const given = (...events: AccountEvent[]) => givenAs(events);

/** What may have become of an account: it is frozen for payments out, or for all, or closed. */
export type Standing = 'frozen out' | 'frozen' | 'closed';

/** As {@link given}, of an account that was frozen or closed since. */
export const givenA = (standing: Standing, ...events: AccountEvent[]) =>
  givenAs([...events, STOOD[standing]]);

const STOOD: Readonly<Record<Standing, AccountEvent>> = {
  'frozen out': frozen('debits'),
  frozen: frozen('all'),
  closed: closed(),
};

/** A rejection, as a test writes it. */
export interface Refusal {
  readonly code: RejectionCode;
  readonly detail: string;
  readonly available?: number;
  readonly reversible?: number;
  readonly transferId?: string;
}

const isPart = (command: { readonly type: string }): command is Extract<Part, { type: 'leg' }> =>
  command.type === 'leg';

const givenAs = (events: readonly AccountEvent[]) => ({
  when: (
    command: Command | Extract<Part, { type: 'leg' }>,
    circumstances: Partial<Circumstances> = {},
  ) => {
    const part = isPart(command) ? command : partOf(command);
    const folded = fold(recorded(events));
    const account = folded && deepFreeze(folded);
    const decision = decide(part, account, { ...NOW, ...circumstances });
    return {
      /**
       * The command is accepted with exactly these events, and they can follow the stream. What a
       * reversal takes of its transfer is another question: see `draws`.
       */
      gives: (...expected: AccountEvent[]) => {
        const { draw: _, ...decided } = { draw: undefined, ...decision };
        expect(decided).toStrictEqual({ outcome: 'accepted', events: expected });
        fold(recorded([...events, ...expected]));
      },
      /** The command is accepted and takes, or gives back, this much of the transfer t0. */
      draws: (amount: number) =>
        expect(decision).toMatchObject({
          outcome: 'accepted',
          draw: { transferId: 't0', amount },
        }),
      /** The command is accepted, and its caller is told this. */
      answers: (expected: unknown) => {
        if (decision.outcome === 'rejected')
          throw new Error(`rejected: ${decision.rejection.detail}`);
        const following = recorded(decision.events, events.length + 1);
        const after = following.reduce<Account | undefined>(evolve, account);
        const version = Version.parse(events.length + following.length);
        const accepted = {
          command: part,
          before: account,
          events: following,
          version,
          actor: ALICE,
        };
        expect(after && answerOf({ ...accepted, account: after })).toStrictEqual(expected);
      },
      /**
       * The command is rejected with this code, in these words, and with what else is said to help.
       */
      isRefused: (rejection: Refusal) =>
        expect(decision).toStrictEqual({ outcome: 'rejected', rejection }),
    };
  },
});
