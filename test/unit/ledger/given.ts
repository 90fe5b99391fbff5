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
  type RejectionCode,
} from '../../../functions/ledger/account.ts';
import { answerOf } from '../../../functions/ledger/answers.ts';

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
export const given = (...events: AccountEvent[]) => givenAs(undefined, events);

/**
 * As {@link given}, of an account that was frozen or closed since. No event says so yet, so the
 * state is set.
 */
export const givenA = (status: 'frozen' | 'closed', ...events: AccountEvent[]) =>
  givenAs(status, events);

/** A rejection, as a test writes it. */
export interface Refusal {
  readonly code: RejectionCode;
  readonly detail: string;
  readonly available?: number;
}

const givenAs = (status: 'frozen' | 'closed' | undefined, events: readonly AccountEvent[]) => ({
  when: (command: Command, circumstances: Partial<Circumstances> = {}) => {
    const part = partOf(command);
    const folded = fold(recorded(events));
    const account = folded && deepFreeze({ ...folded, ...(status && { status }) });
    const decision = decide(part, account, { ...NOW, ...circumstances });
    return {
      /** The command is accepted with exactly these events, and they can follow the stream. */
      gives: (...expected: AccountEvent[]) => {
        expect(decision).toStrictEqual({ outcome: 'accepted', events: expected });
        fold(recorded([...events, ...expected]));
      },
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

/**
 * Makes a value immutable all through, so that code which claims to be pure throws where it is not.
 */
export const deepFreeze = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
};
