import type { AccountId } from '../../events/values.ts';
import type { Command } from '../ledger/account.ts';
import type { Store } from '../store/store.ts';
import { acceptance, nonAcceptance } from './answer/command-answer.ts';
import { describedAnswer } from './answer/described.ts';
import { etag } from './answer/http-answer.ts';
import { type HttpDependencies, type HttpHandler, httpHandler } from './chain/http-handler.ts';
import { executeCommand } from './execute-command.ts';
import type { Scope } from './identity/scope.ts';
import { type IdempotencyKey, keysOnAccount } from './request/idempotency.ts';
import type { Precondition } from './request/if-match.ts';
import type { RequestSchema } from './request/validation.ts';

/** The parts of every request for a command on the account in the path. */
interface CommandInput {
  readonly path: { readonly accountId: AccountId };
  readonly headers: {
    readonly 'idempotency-key'?: IdempotencyKey | undefined;
    readonly 'if-match'?: Precondition | undefined;
  };
}

/** What deciding such a command takes. */
export interface CommandHandlerDependencies extends HttpDependencies {
  /** Decides. */
  readonly store: Pick<Store, 'execute' | 'rehearse' | 'commitAt'>;
}

/** Who may send such a command. */
export interface MaySend {
  readonly scope: Scope;
  /** For whose accounts: the caller's own, or anybody's; an operator's are everybody's. */
  readonly accounts: 'own' | 'any';
}

/**
 * Makes a route that has one command decided on the account in its path, and answers with the
 * ledger's answer.
 * @param may who may send it.
 * @param schema what the route takes.
 * @param toCommand the command that a request asks for.
 * @param status that of the answer: 201 where there is something new.
 * @returns what makes the route's handler from the store, telemetry and how callers are told apart.
 *
 * @example export const createHandler = commandHandler({ scope: 'ledger:write', accounts: 'own' },
 *   movementRequest, ({ path, body }) => ({ type: 'withdraw', ...path, ...body }));
 */
export const commandHandler =
  <Input extends CommandInput>(
    { scope, accounts }: MaySend,
    schema: RequestSchema<Input>,
    toCommand: (input: Input) => Command,
    status: 200 | 201 = 201,
  ) =>
  ({ store, ...http }: CommandHandlerDependencies): HttpHandler =>
    httpHandler(http, scope, schema, async (input, sender) => {
      const command = toCommand(input);
      const request = {
        command,
        keys: keysOnAccount(sender.caller, command.accountId, input.headers['idempotency-key']),
        onlyFor: accounts === 'own' ? sender.onlyFor : undefined,
        actor: sender.caller,
        correlationId: sender.correlationId,
      };
      const result = await executeCommand(store, request, sender, input.headers['if-match']);
      if (result.outcome !== 'accepted') return nonAcceptance(command, result, sender.repeatableBy);
      try {
        const answer = result.answer && (await describedAnswer(store, result.answer));
        return acceptance({ ...result, answer }, status, { ETag: etag(result.version) });
      } catch (error) {
        // It is done, so nobody may hear that nothing was.
        sender.telemetry.logger.error('what was done cannot be told', { error });
        const untold = { outcome: 'undecided' as const, reason: 'unknown' as const };
        return nonAcceptance(command, untold, sender.repeatableBy);
      }
    });
