import { type Timestamp, Version } from '../../../events/values.ts';
import { type Account, evolve } from '../../ledger/account.ts';
import { answerOf } from '../../ledger/answer.ts';
import type { Command } from '../../ledger/command.ts';
import { decide } from '../../ledger/decide.ts';
import { type CommandEvents, nextCommit, timeOfNext } from '../stream/append.ts';
import { type Commit, type Origin, record } from '../stream/commit.ts';
import type { Tail } from '../stream/tail.ts';
import type { Write } from '../writing/write.ts';
import { type CommandRecord, fingerprint } from './command-record.ts';
import type { CommandKey, CommandRequest, CommandResult } from './command-result.ts';

/** A command that is to be decided, with what its record says of it. */
export interface Asked {
  readonly command: Command;
  /** The command's fingerprint. */
  readonly request: string;
  readonly keys: readonly CommandKey[];
  readonly origin: Origin;
}

/** A request as it is decided: its command's fingerprint and, for one without a key, an id of its own are added. */
export const askedFor = (
  { newId }: { readonly newId: () => string },
  { command, keys = [], actor, correlationId }: CommandRequest,
): Asked => ({
  command,
  request: fingerprint(command),
  keys,
  origin: { commandId: keys[0]?.commandId ?? newId(), actor, correlationId },
});

/** What is to be written for some commands, and what their senders are told once it is. */
export interface Plan {
  /** Absent where nothing has to be kept: no events, and no key to record an outcome under. */
  readonly write?: Write;
  /** The commit of `write`, where it has one: what the stream goes on from. */
  readonly commit?: Commit;
  /** One for each command, in order. */
  readonly results: readonly CommandResult[];
}

/**
 * Decides commands one after the other, each on the account as the one before it left it, and plans one commit of all their
 * events and a record of every outcome.
 * @param tail the stream they are decided on.
 * @param asked at least one command of that stream.
 * @param commandId the id of the commit.
 * @param now in milliseconds since 1970.
 * @returns the plan, or `'too_large'` where the commit would near DynamoDB's limit for an item.
 */
export const planFor = (tail: Tail, asked: readonly Asked[], commandId: string, now: number): Plan | 'too_large' => {
  const at = timeOfNext(tail, now);
  const commands: CommandEvents[] = [];
  const outcomes: { readonly record: Outcome; readonly keys: readonly CommandKey[]; readonly request: string }[] = [];
  let account = tail.account;
  let { version } = tail;
  for (const { command, request, keys, origin } of asked) {
    const decision = decide(command, account);
    if (decision.outcome === 'rejected') {
      outcomes.push({ keys, request, record: { outcome: 'rejected', at, rejection: decision.rejection } });
      continue;
    }
    const { events } = decision;
    const recorded = record(events, Array<Origin>(events.length).fill(origin), version + 1, at);
    account = recorded.reduce<Account | undefined>(evolve, account);
    if (!account) throw new Error(`stream ${tail.streamId}: a command was accepted on no account`);
    version += events.length;
    if (events.length > 0) commands.push({ origin, events });
    const answer = answerOf(command, account, recorded);
    const told = answer === undefined ? {} : { answer };
    outcomes.push({
      keys,
      request,
      record: {
        outcome: 'accepted',
        version: Version.parse(version),
        at: events.length > 0 ? at : (tail.at ?? at),
        ...told,
      },
    });
  }

  const next = commands.length > 0 ? nextCommit(tail, commandId, commands, now) : undefined;
  if (next === 'too_large') return next;
  const together = asked.length > 1 ? { together: asked.length } : {};
  const records = outcomes.flatMap(({ keys, request, record }) =>
    keys.map((key): CommandRecord => ({ ...key, request, ...together, ...record })),
  );
  return {
    ...(next || records.length > 0 ? { write: { commit: next?.item, records } } : {}),
    ...(next ? { commit: next.commit } : {}),
    results: outcomes.map(({ record }) => ({ ...record, replayed: false })),
  };
};

type Outcome =
  | Pick<Extract<CommandRecord, { outcome: 'accepted' }>, 'outcome' | 'version' | 'at' | 'answer'>
  | {
      readonly outcome: 'rejected';
      readonly at: Timestamp;
      readonly rejection: Extract<CommandRecord, { outcome: 'rejected' }>['rejection'];
    };
