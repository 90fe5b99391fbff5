import { type AccountId, Timestamp } from '../../events/values.ts';
import { type Account, available, decide, evolve } from '../../functions/ledger/account.ts';
import type { Remains } from '../remains.ts';
import type { Journal } from '../traffic/journal.ts';
import type { Report } from '../violation.ts';

/** The account after each event: by version, 0 being before the first. */
export type History = readonly (Account | undefined)[];

/** The traffic holds nothing and reverses nothing, so no decision depends on more than the account. */
const NO_TIME = { at: Timestamp.parse(new Date(0).toISOString()), reversed: 0 };

/** The accounts as they stood at each version. */
export const historiesOf = ({ streams }: Remains): ReadonlyMap<AccountId, History> => {
  const histories = new Map<AccountId, History>();
  for (const [accountId, commits] of streams) {
    const states: (Account | undefined)[] = [undefined];
    for (const event of commits.flatMap(({ events }) => events))
      states.push(evolve(states.at(-1), event));
    histories.set(accountId, states);
  }
  return histories;
};

/**
 * A new rejection was decided on the account at a version that was current after the client sent
 * the command, not on one that somebody had already seen outdated.
 */
export const checkDecisions = (
  journal: Journal,
  histories: ReadonlyMap<AccountId, History>,
  report: Report,
): void => {
  for (const { request, result, floor, intent } of journal.calls) {
    if (result?.outcome !== 'rejected' || result.replayed) continue;
    const { command } = request;
    const since = (histories.get(command.accountId) ?? [undefined]).slice(floor);
    const { code } = result.rejection;
    const isTrueOf = (account: Account | undefined): boolean => {
      if (
        result.rejection.available !== undefined &&
        account &&
        available(account) !== result.rejection.available
      )
        return false;
      if (command.type === 'post') return true;
      const decision = decide(command, account, NO_TIME);
      return decision.outcome === 'rejected' && decision.rejection.code === code;
    };
    if (!since.some(isTrueOf)) {
      report('a rejection was true once it was asked for', {
        command: intent.command,
        keys: request.keys,
        floor,
        result,
      });
    }
  }
};
