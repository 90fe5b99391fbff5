import type { AccountId, Version } from '../../../events/values.ts';
import { AccountView, type UndescribedAccount } from '../../ledger/answers.ts';
import type { RecordedAnswer } from '../../store/deciding/command-result.ts';
import type { Store } from '../../store/store.ts';

/** What is said of an account: its name and its metadata, each where there is one. */
export type Details = Pick<AccountView, 'name' | 'metadata'>;

/**
 * Reads what is said of an account from the event that says it.
 * @param describedAt the version of that event; `undefined`: nothing was ever said.
 * @throws {Error} where that event does not describe the account.
 */
export const detailsOf = async (
  store: Pick<Store, 'commitAt'>,
  accountId: AccountId,
  describedAt: Version | undefined,
): Promise<Details> => {
  if (describedAt === undefined) return {};
  const commit = await store.commitAt(accountId, describedAt);
  const event = commit?.events.find(({ version }) => version === describedAt);
  if (event?.type !== 'AccountOpened' && event?.type !== 'AccountDescribed')
    throw new Error(`event ${describedAt} of ${accountId} does not describe the account`);
  return saidOf(event.data);
};

/** What an event or a request says of an account, without what it does not say. */
export const saidOf = ({
  name,
  metadata,
}: {
  readonly name?: Details['name'];
  readonly metadata?: Details['metadata'];
}): Details => ({
  ...(name === undefined ? {} : { name }),
  ...(metadata === undefined ? {} : { metadata }),
});

/**
 * An account as the API shows it, with what is said of it. That takes a read where anything is: the
 * account itself only knows where that stands, so that it stays small.
 */
export const described = async (
  store: Pick<Store, 'commitAt'>,
  { describedAt, ...account }: UndescribedAccount,
): Promise<AccountView> => ({
  ...account,
  ...(await detailsOf(store, account.accountId, describedAt)),
});

/**
 * An answer as it was recorded, with what was said of its account then, if it is an account's. What
 * was said stands in an event, so it is the same every time.
 */
export const describedAnswer = async (
  store: Pick<Store, 'commitAt'>,
  answer: RecordedAnswer,
): Promise<RecordedAnswer> => {
  const { describedAt, ...rest } = answer;
  if (typeof describedAt !== 'number') return answer;
  const account = AccountView.parse(rest);
  const version = AccountView.shape.version.parse(describedAt);
  return { ...rest, ...(await detailsOf(store, account.accountId, version)) };
};
