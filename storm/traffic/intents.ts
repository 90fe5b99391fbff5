import {
  AccountId,
  Amount,
  Caller,
  Currency,
  Limit,
  Reference,
  TransferId,
} from '../../events/values.ts';
import { Command } from '../../functions/ledger/account.ts';
import { type RecordKey, recordKey } from '../../functions/store/writing/record-key.ts';
import type { Random } from '../../testing/random.ts';

/**
 * A command that a client wants done once, however often it sends it. No other client's command
 * reads the same.
 */
export interface Intent {
  readonly n: number;
  readonly command: Command;
  /** The key that the client sends every time; absent: it cannot repeat the command. */
  readonly key: RecordKey | undefined;
  /** Keys that the client sometimes sends with it. */
  readonly others: readonly RecordKey[];
}

/** An account that no client opens. */
const NOBODY = AccountId.parse('nobody');

/** How many of the latest keys and transfer ids are reused on purpose, for other commands. */
const REMEMBERED = 4;

/** Makes up commands. */
export class Intents {
  readonly #random: Random;
  readonly #accounts: readonly AccountId[];
  readonly #late: AccountId;
  readonly #made: Intent[] = [];
  #names = 0;

  /**
   * @param accounts the open accounts.
   * @param late an account that the clients themselves open, all at once.
   */
  constructor(random: Random, accounts: readonly AccountId[], late: AccountId) {
    this.#random = random;
    this.#accounts = accounts;
    this.#late = late;
  }

  /** A new command, under no key, one or two; sometimes under a key that another command has. */
  next(): Intent {
    const random = this.#random;
    const isClash = random.chance(0.08);
    return this.#make(isClash ? this.#usedKey() : undefined, random.chance(0.25));
  }

  /** Commands that differ and have one key, to be sent at once; mostly for the same account. */
  clashing(): readonly Intent[] {
    const first = this.#make(undefined, false);
    const second = this.#make(
      first.key,
      false,
      this.#random.chance(0.7) ? first.command.accountId : undefined,
    );
    return [first, second];
  }

  /** A command that was made before, mostly lately. */
  earlier(): Intent | undefined {
    const repeatable = this.#made.filter(({ key }) => key !== undefined);
    const lately = repeatable.slice(-20);
    const from = this.#random.chance(0.8) ? lately : repeatable;
    return from.length > 0 ? this.#random.oneOf(from) : undefined;
  }

  /** All commands that have a key. */
  repeatable(): readonly Intent[] {
    return this.#made.filter(({ key }) => key !== undefined);
  }

  #make(usedKey: RecordKey | undefined, isUnkeyed: boolean, on?: AccountId): Intent {
    const random = this.#random;
    const n = this.#made.length;
    const command = this.#command(n, usedKey, on ?? this.#account());
    const own =
      command.type === 'reserve' || command.type === 'hold'
        ? recordKey(command.transferId)
        : (usedKey ?? this.#newKey());
    // A transfer's id is always one of its keys.
    const needsKey = ['reserve', 'hold', 'post'].includes(command.type);
    const key = isUnkeyed && !needsKey ? undefined : own;
    const others =
      key && random.chance(0.4) ? [random.chance(0.2) ? this.#usedKey() : this.#newKey()] : [];
    const intent = { n, command, key, others: others.filter((other) => other !== key) };
    this.#made.push(intent);
    return intent;
  }

  #command(n: number, usedKey: RecordKey | undefined, accountId: AccountId): Command {
    const random = this.#random;
    const amount = Amount.parse(random.between(1, 60));
    // It makes commands differ that are otherwise alike: two that read the same are the same.
    const reference = Reference.parse(`command ${n}`);
    const currency = random.chance(0.03) ? { currency: Currency.parse('USD') } : {};
    const dice = random.next();
    if (dice < 0.02) {
      const owner = Caller.parse(`owner ${n}`);
      return {
        type: 'open',
        accountId: this.#late,
        owner,
        currency: EUR,
        overdraftLimit: Limit.parse(0),
      };
    }
    if (dice < 0.3) return { type: 'deposit', accountId, amount, reference, ...currency };
    if (dice < 0.6) return { type: 'withdraw', accountId, amount, reference, ...currency };
    if (dice < 0.67) {
      const end = this.#endOfHold(accountId);
      if (end) return end;
    }
    const other = this.#accounts.find((id) => id !== accountId);
    if (dice < 0.73 && other) {
      const legs = [
        { accountId, amount: -amount },
        { accountId: other, amount },
      ];
      return Command.parse({ type: 'post', accountId, postingId: `posting-${n}`, legs, reference });
    }
    const transferId = TransferId.parse(usedKey?.replace(/^command:/, '') ?? `transfer-${n}`);
    const to = random.chance(0.06) ? NOBODY : this.#account();
    const type = dice < 0.82 ? 'hold' : 'reserve';
    return { type, accountId, transferId, to, amount, reference, ...currency };
  }

  /** The end of a hold that was asked for lately: its capture, whole or not, or its void. */
  #endOfHold(accountId: AccountId): Command | undefined {
    const random = this.#random;
    const holds = this.#made
      .slice(-60)
      .flatMap(({ command }) => (command.type === 'hold' ? [command] : []));
    const held = holds.filter((hold) => hold.accountId === accountId);
    if (held.length === 0) return undefined;
    const { transferId, amount, reference } = random.oneOf(held);
    if (random.chance(0.4)) return { type: 'void', accountId, transferId };
    const part = random.chance(0.5)
      ? { amount: Amount.parse(random.between(1, Number(amount) + 3)) }
      : {};
    const said = reference === undefined ? {} : { reference };
    return { type: 'capture', accountId, transferId, ...part, ...said };
  }

  #account(): AccountId {
    return this.#random.chance(0.05) ? this.#late : this.#random.oneOf(this.#accounts);
  }

  #newKey(): RecordKey {
    this.#names += 1;
    return recordKey(`key-${this.#names}`);
  }

  #usedKey(): RecordKey {
    const used = this.#made.slice(-REMEMBERED).flatMap(({ key }) => key ?? []);
    return used.length > 0 ? this.#random.oneOf(used) : this.#newKey();
  }
}

/** The currency of all accounts. */
export const EUR = Currency.parse('EUR');
