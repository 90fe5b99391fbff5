import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AccountId, Caller, Timestamp, Version } from '../../events/values.ts';
import { isStoreUnavailable } from '../../functions/runtime/unavailable.ts';
import type { CommandRequest } from '../../functions/store/deciding/command-result.ts';
import type { Commit } from '../../functions/store/stream/commit.ts';
import type { Tail } from '../../functions/store/stream/tail.ts';
import type { RecordKey } from '../../functions/store/writing/record-key.ts';
import type { Random } from '../../testing/random.ts';
import type { Environment } from '../environments.ts';
import type { Report } from '../violation.ts';
import type { Intent, Intents } from './intents.ts';
import type { Journal } from './journal.ts';

/** What the clients of a seed share. */
export interface Traffic {
  readonly environments: readonly Environment[];
  readonly accounts: readonly AccountId[];
  readonly intents: Intents;
  readonly journal: Journal;
  readonly report: Report;
}

/** The most that a client waits between two things it does, in milliseconds. */
const LONGEST_PAUSE_MS = 30;

/**
 * A client that sends commands, repeats and reads, one thing after the other, and writes down what
 * it hears.
 * @param until when it stops, on `performance.now()`.
 */
export const runClient = async (traffic: Traffic, random: Random, until: number): Promise<void> => {
  const client = new Client(traffic, random);
  while (performance.now() < until) {
    await client.act();
    await sleep(random.between(0, LONGEST_PAUSE_MS));
  }
};

class Client {
  readonly #traffic: Traffic;
  readonly #random: Random;
  /** Streams as this client last saw them: it decides on them however old they have become. */
  readonly #tails = new Map<AccountId, Tail>();

  constructor(traffic: Traffic, random: Random) {
    this.#traffic = traffic;
    this.#random = random;
  }

  async act(): Promise<void> {
    const { intents } = this.#traffic;
    const random = this.#random;
    const dice = random.next();
    if (dice < 0.42) {
      await this.#send(intents.next());
    } else if (dice < 0.6) {
      const earlier = intents.earlier();
      if (earlier) await this.#send(earlier);
    } else if (dice < 0.68) {
      const intent = intents.next();
      await Promise.all([this.#send(intent), ...(intent.key ? [this.#send(intent)] : [])]);
    } else if (dice < 0.76) {
      await Promise.all(intents.clashing().map((intent) => this.#send(intent)));
    } else if (dice < 0.86) {
      await this.#sendTogether();
    } else {
      await this.#read();
    }
  }

  /** Sends a command, under its key and some of its others, at a version or not. */
  async #send(intent: Intent): Promise<void> {
    const { journal, report } = this.#traffic;
    const environment = this.#random.oneOf(this.#traffic.environments);
    const request = { ...this.#requestFor(intent), onlyFor: this.#sender(intent) };
    const call = journal.sends(intent, environment.name, request);
    try {
      journal.hears(call, await environment.store.execute(call.request));
    } catch (error) {
      call.error = error;
      report('a command is answered, and does not throw', {
        intent,
        error: String(error),
        stack: stackOf(error),
      });
    }
  }

  /** Sends several commands of one account together, with the tail that the client last saw. */
  async #sendTogether(): Promise<void> {
    const { intents, journal, report } = this.#traffic;
    const random = this.#random;
    const environment = random.oneOf(this.#traffic.environments);
    const wanted = Array.from({ length: random.chance(0.5) ? 1 : random.between(2, 12) }, () =>
      intents.next(),
    );
    const [accountId] = wanted.map(({ command }) => command.accountId);
    if (!accountId) return;
    const calls = wanted
      .filter(({ command }) => command.accountId === accountId && command.type !== 'post')
      .map((intent) => journal.sends(intent, environment.name, this.#requestFor(intent)));
    const requests = calls.map(({ request }) => request);
    try {
      const tail = random.chance(0.7) ? this.#tails.get(accountId) : undefined;
      const results = await environment.store.executeTogether(accountId, requests, tail);
      for (const [index, call] of calls.entries()) {
        const result = results[index];
        if (result) journal.hears(call, result);
        else report('every command of a batch is answered', { intent: call.intent });
      }
    } catch (error) {
      report('commands together are answered, and do not throw', {
        error: String(error),
        stack: stackOf(error),
      });
    }
  }

  /** For whose account alone a command is: its owner's, a stranger's, or for anybody's. */
  #sender({ command }: Intent): Caller | undefined {
    // What is not there yet belongs to nobody; a posting is of several accounts.
    if (command.type === 'open' || command.type === 'post') return undefined;
    const dice = this.#random.next();
    if (dice < 0.04) return STRANGER;
    return dice < 0.7 ? ACTOR : undefined;
  }

  #requestFor({ command, key, others }: Intent): CommandRequest {
    const random = this.#random;
    const more = others.filter(() => random.chance(0.6));
    const keys: RecordKey[] = key ? [key, ...more] : [];
    const version = this.#tails.get(command.accountId)?.version ?? 0;
    const dice = random.next();
    const expected: Pick<CommandRequest, 'expectedVersions'> =
      dice < 0.1 && version > 0
        ? { expectedVersions: [Version.parse(version)] }
        : dice < 0.12 && version > 1
          ? { expectedVersions: [Version.parse(version - 1)] }
          : dice < 0.13
            ? { expectedVersions: [] }
            : {};
    const atOnce = random.chance(0.6);
    return { command, keys, ...expected, atOnce, actor: ACTOR, correlationId: randomUUID() };
  }

  async #read(): Promise<void> {
    const random = this.#random;
    const environment = random.oneOf(this.#traffic.environments);
    const accountId = random.oneOf(this.#traffic.accounts);
    try {
      const dice = random.next();
      if (dice < 0.5) await this.#readTail(environment, accountId);
      else if (dice < 0.65) await this.#readEarlier(environment, accountId);
      else if (dice < 0.8) await this.#readHistory(environment, accountId);
      else await this.#readRecord(environment);
    } catch (error) {
      if (isStoreUnavailable(error)) return;
      this.#traffic.report('a read is answered or unavailable', {
        accountId,
        error: stackOf(error),
      });
    }
  }

  async #readTail({ store }: Environment, accountId: AccountId): Promise<void> {
    const { journal } = this.#traffic;
    const floor = journal.floor(accountId);
    const tail = await store.load(accountId);
    journal.readings.push({ kind: 'tail', floor, tail });
    journal.heardOf(accountId, tail.version);
    this.#tails.set(accountId, tail);
  }

  /**
   * Reads the account as it was before the latest version that this client has seen: nothing can
   * change that any more.
   */
  async #readEarlier({ store }: Environment, accountId: AccountId): Promise<void> {
    const seen = this.#tails.get(accountId);
    if (!seen || seen.version < 2 || !seen.at) return;
    const moment = this.#random.chance(0.5)
      ? { version: Version.parse(this.#random.between(1, seen.version)) }
      : {
          at: Timestamp.parse(
            new Date(Date.parse(seen.at) - this.#random.between(1, 3_000)).toISOString(),
          ),
        };
    const tail = await store.asOf(accountId, moment);
    this.#traffic.journal.readings.push({ kind: 'asOf', moment, tail });
  }

  async #readHistory({ store }: Environment, accountId: AccountId): Promise<void> {
    const { journal } = this.#traffic;
    const floor = journal.floor(accountId);
    const from = this.#random.between(Math.max(1, floor - 20), Math.max(1, floor));
    const commits: Commit[] = [];
    for await (const commit of store.history(accountId, { from })) commits.push(commit);
    journal.readings.push({ kind: 'history', accountId, from, commits });
  }

  async #readRecord({ store }: Environment): Promise<void> {
    const { intents, journal } = this.#traffic;
    const key = intents.earlier()?.key;
    if (!key) return;
    const sentAt = journal.tick();
    const record = await store.recordOf(key);
    journal.readings.push({ kind: 'record', key, sentAt, record });
  }
}

/** The owner of all accounts but the one that the clients open. */
const ACTOR = Caller.parse('alice');

/** Nothing belongs to this caller. */
export const STRANGER = Caller.parse('mallory');

const stackOf = (error: unknown): string =>
  error instanceof Error ? String(error.stack).slice(0, 600) : String(error);
