import type { AccountId } from '../../events/values.ts';
import type { Command } from '../ledger/account.ts';
import type { HttpTelemetry } from '../runtime/telemetry.ts';
import type { Store } from '../store/store.ts';
import { acceptance, nonAcceptance } from './answer/command-answer.ts';
import { etag } from './answer/http-answer.ts';
import { type HttpHandler, httpHandler } from './chain/http-handler.ts';
import { executeCommand } from './execute-command.ts';
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
export interface CommandHandlerDependencies {
  /** Decides. */
  readonly store: Pick<Store, 'execute'>;
  readonly telemetry: HttpTelemetry;
}

/**
 * Makes a route that has one command decided on the account in its path, and answers 201 with the
 * ledger's answer.
 * @param schema what the route takes.
 * @param toCommand the command that a request asks for.
 * @returns what makes the route's handler from the store and telemetry.
 *
 * @example export const createHandler = commandHandler(movementRequest, ({ path, body }) => ({
 *   type: 'deposit', ...path, ...body }));
 */
export const commandHandler =
  <Input extends CommandInput>(
    schema: RequestSchema<Input>,
    toCommand: (input: Input) => Command,
  ) =>
  ({ store, telemetry }: CommandHandlerDependencies): HttpHandler =>
    httpHandler(telemetry, schema, async (input, sender) => {
      const command = toCommand(input);
      const request = {
        command,
        keys: keysOnAccount(sender.caller, command.accountId, input.headers['idempotency-key']),
        actor: sender.caller,
        correlationId: sender.correlationId,
      };
      const result = await executeCommand(
        store,
        request,
        sender.telemetry,
        input.headers['if-match'],
      );
      if (result.outcome !== 'accepted') return nonAcceptance(command, result, sender.repeatableBy);
      return acceptance(result, 201, { ETag: etag(result.version) });
    });
