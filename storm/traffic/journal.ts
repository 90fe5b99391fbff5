import type { AccountId } from '../../events/values.ts';
import type {
  CommandRequest,
  CommandResult,
} from '../../functions/store/deciding/command-result.ts';
import type { Commit } from '../../functions/store/stream/commit.ts';
import type { Tail } from '../../functions/store/stream/tail.ts';
import type { RecordKey } from '../../functions/store/writing/record-key.ts';
import type { FoundRecord } from '../../functions/store/writing/write.ts';
import type { Intent } from './intents.ts';

/** A command that a client sent once, and what it heard. */
export interface Call {
  readonly intent: Intent;
  readonly environment: string;
  /**
   * Its `correlationId` is this call's alone, so what the call wrote can be told from what its
   * repeats wrote.
   */
  readonly request: CommandRequest;
  /** Places in the order of everything that was sent and heard. */
  readonly sentAt: number;
  heardAt?: number;
  /** The highest version of its account that any client had heard of before it was sent. */
  readonly floor: number;
  result?: CommandResult;
  /** The error, where the call threw. */
  error?: unknown;
}

/** A client's read, and what the clients knew before it. */
export type Reading =
  | { readonly kind: 'tail'; readonly floor: number; readonly tail: Tail }
  | {
      readonly kind: 'asOf';
      readonly moment: { readonly version: number } | { readonly at: string };
      readonly tail: Tail;
    }
  | {
      readonly kind: 'history';
      readonly accountId: AccountId;
      readonly from: number;
      readonly commits: readonly Commit[];
    }
  | {
      readonly kind: 'record';
      readonly key: RecordKey;
      readonly sentAt: number;
      readonly record: FoundRecord | undefined;
    };

/** All that the clients of a seed sent and heard. */
export class Journal {
  readonly calls: Call[] = [];
  readonly readings: Reading[] = [];
  readonly #floors = new Map<string, number>();
  #now = 0;

  /** The next place in the order of things. */
  tick(): number {
    this.#now += 1;
    return this.#now;
  }

  /** The highest version of an account that anybody has heard of. */
  floor(accountId: string): number {
    return this.#floors.get(accountId) ?? 0;
  }

  /** Notes that a client heard of a version. */
  heardOf(accountId: string, version: number): void {
    this.#floors.set(accountId, Math.max(version, this.floor(accountId)));
  }

  /** Notes that a client sends a command. */
  sends(intent: Intent, environment: string, request: CommandRequest): Call {
    const floor = this.floor(request.command.accountId);
    const call: Call = { intent, environment, request, sentAt: this.tick(), floor };
    this.calls.push(call);
    return call;
  }

  /** Notes what the client hears of it. */
  hears(call: Call, result: CommandResult): void {
    call.heardAt = this.tick();
    call.result = result;
    if (result.outcome === 'accepted') this.heardOf(call.request.command.accountId, result.version);
  }
}
