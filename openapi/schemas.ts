import * as z from 'zod/mini';
import {
  AccountId,
  Amount,
  Currency,
  Limit,
  MinorUnits,
  Reference,
  Timestamp,
  TransferId,
  Version,
} from '../events/values.ts';
import { amendAccountRequest } from '../functions/commands/accounts/amend-account.ts';
import { movementRequest } from '../functions/commands/movement-request.ts';
import { openAccountRequest } from '../functions/commands/open-account.ts';
import { requestTransferRequest } from '../functions/commands/request-transfer.ts';
import { PublicRejection } from '../functions/http/answer/command-answer.ts';
import * as problem from '../functions/http/answer/problem.ts';
import { RequestTime } from '../functions/http/request/request-time.ts';
import { AccountView } from '../functions/ledger/answers.ts';
import { minorUnitDigits } from '../functions/ledger/currencies.ts';
import { Entry } from '../functions/ledger/statement.ts';
import { Transfer, TransferStatus, TransferStep } from '../functions/ledger/transfer.ts';
import { AccountAnswer } from '../functions/queries/get-account.ts';
import { CommandStatus } from '../functions/queries/get-command.ts';
import { Health } from '../functions/queries/health.ts';
import { EntryPage } from '../functions/queries/list-entries.ts';
import { TransferPage } from '../functions/queries/list-transfers.ts';
import type { NamedSchema } from './json-schemas.ts';

/** A schema for every member of a type, so that the type cannot gain one that is not told. */
type SchemasOf<Type> = { readonly [Name in keyof Type]-?: z.ZodMiniType<Type[Name]> };

const isProblemCode = (name: string): name is problem.ProblemCode =>
  Object.hasOwn(problem.PROBLEMS, name);

const ProblemCode = z.enum(Object.keys(problem.PROBLEMS).filter(isProblemCode));

const InvalidPart = z.object({
  path: z.string(),
  message: z.string(),
} satisfies SchemasOf<problem.InvalidPart>);

/** What `problemAnswer` writes, which has no schema of its own: nobody reads it there. */
export const Problem = z.object({
  type: z.string().check(z.regex(/^urn:holdfast:problem:[a-z_]+$/)),
  title: z.string(),
  status: z.int().check(z.gte(400), z.lte(599)),
  detail: z.string(),
  instance: z.string(),
  code: ProblemCode,
  available: z.optional(MinorUnits),
  currentVersion: z.optional(z.int().check(z.gte(0))),
  reversible: z.optional(MinorUnits),
  leg: z.optional(z.int().check(z.gte(0))),
  errors: z.optional(z.array(InvalidPart)),
} satisfies SchemasOf<problem.ProblemBody>);

/** What API Gateway writes. */
export const GatewayMessage = z.object({ message: z.string() });

const currenciesInUse = (): string => {
  const byDigits = Map.groupBy(minorUnitDigits, ([, digits]) => digits);
  const lists = [...byDigits].map(
    ([digits, currencies]) => `${digits}: ${currencies.map(([code]) => code).join(' ')}.`,
  );
  return (
    'A currency in use of ISO 4217 that has a minor unit; another one: 400. The digits of the ' +
    `minor unit, and so what an amount of 1 is: ${lists.join(' ')}`
  );
};
/** The schemas that have a name in the document, and what is said of them and of their members. */
export const schemas = {
  AccountId: {
    schema: AccountId,
    description: "An account's id. Made by the server where the client sends none.",
  },
  TransferId: {
    schema: TransferId,
    description:
      "A transfer's id, unique across all accounts. Made by the server where the " +
      'client sends none. A client that chooses one chooses one that cannot be ' +
      'guessed, a UUID for instance: it belongs to whoever sends it first, whether ' +
      'that transfer is accepted or rejected.',
  },
  Amount: { schema: Amount, description: 'An amount that moves, in minor units.' },
  Limit: { schema: Limit, description: 'A limit, in minor units.' },
  MinorUnits: {
    schema: MinorUnits,
    description: 'A sum of money in minor units. Negative where an overdraft is in use.',
  },
  Currency: { schema: Currency, description: 'ISO 4217.' },
  Reference: { schema: Reference, description: "The client's own words on the statement." },
  Timestamp: { schema: Timestamp, description: 'ISO 8601, UTC, milliseconds.' },
  RequestTime: {
    schema: RequestTime,
    format: 'date-time',
    description: 'Any time of RFC 3339 with its offset, read to the millisecond.',
  },
  Version: {
    schema: Version,
    description: "The position of an event in its account's stream: 1, 2, 3 …",
  },
  TransferStatus: {
    schema: TransferStatus,
    description: 'How far a transfer is. `settled` and `released` are the ends.',
  },
  OpenAccount: {
    schema: openAccountRequest.shape.body,
    fields: {
      currency: currenciesInUse(),
      owner:
        'Who it is to belong to: the caller, unless said otherwise. Another takes `ledger:operate`.',
      overdraftLimit: 'How far `available` may fall under zero. Above 0 it takes `ledger:operate`.',
    },
  },
  AmendAccount: { schema: amendAccountRequest.shape.body, minProperties: 1 },
  Movement: { schema: movementRequest.shape.body },
  RequestTransfer: { schema: requestTransferRequest.shape.body },
  Account: {
    schema: AccountView,
    description:
      '`available` = `balance` − `reserved`, without the overdraft: it never falls ' +
      'under −`overdraftLimit`, so up to `available` + `overdraftLimit` can be taken.',
  },
  AccountAnswer: {
    schema: AccountAnswer,
    description: 'An account, as it stands or as it was. `final` comes with `?at=`.',
    fields: {
      final:
        'Whether the account as it was at that time will read the same for ever. False ' +
        'for a time less than five minutes ago, and for one ahead: what is being written ' +
        'may still be dated back to it.',
    },
  },
  Entry: {
    schema: Entry,
    description: 'A line of the statement. `version` is that of the event it comes from.',
  },
  TransferStep: {
    schema: TransferStep,
    description: "The event, on one account's stream, that took the transfer this far.",
  },
  Transfer: {
    schema: Transfer,
    description: "`reason` is the code for which a released transfer's credit was rejected.",
    fields: {
      reason:
        "Why a released transfer's credit was rejected: account_not_found, " +
        'account_not_open, currency_mismatch, amount_out_of_range, or transfer_id_reused ' +
        'where the destination knows another transfer under this id.',
    },
  },
  Rejection: {
    schema: PublicRejection,
    description: 'Why a command was refused.',
    fields: {
      available: 'With `insufficient_funds`: `balance` − `reserved`, without the overdraft.',
    },
  },
  CommandStatus: {
    schema: CommandStatus,
    description:
      'What became of a command. `version` and `answer` come with `accepted`, ' +
      '`rejection` with `rejected`; `at` once it is read here. `given_up`: the account ' +
      'had too many transfers under way, and nothing was done; the same request, sent ' +
      'again once some have ended, with the same key if it had one, may still be ' +
      'decided.',
  },
  EntryPage: {
    schema: EntryPage,
    fields: {
      nextCursor: 'There where there is more, or may be.',
      asOfVersion: "The account's version that the statement is at.",
    },
  },
  TransferPage: {
    schema: TransferPage,
    fields: {
      nextCursor: 'There where there is more, or may be.',
      asOfVersion:
        "The account's version up to which the list shows what became of its transfers; 0: " +
        'not even the latest is shown yet.',
    },
  },
  Health: { schema: Health },
  ProblemCode: { schema: ProblemCode, description: 'What clients match on. Stable.' },
  Problem: {
    schema: Problem,
    description: 'RFC 9457. `detail` is for people.',
    fields: {
      instance: {
        description: 'The path that was asked for, as a URI reference that stays on this host.',
        format: 'uri-reference',
      },
      available:
        "With `insufficient_funds`: the account's `balance` − `reserved`, as its " +
        '`available` is. The overdraft is not in it: up to `available` + ' +
        '`overdraftLimit` can be taken.',
      currentVersion:
        "The account's version, with `version_mismatch` (0: there is no such account) " +
        'and `version_not_found`.',
      errors: 'What is wrong with the request, with `validation_failed`.',
    },
  },
  InvalidPart: { schema: InvalidPart, fields: { path: 'The field, parameter or header.' } },
  GatewayMessage: {
    schema: GatewayMessage,
    description:
      'What the gateway answers by itself. `message` is for people: tell the cases ' +
      'apart by the status, and by the media type.',
  },
} as const satisfies Record<string, NamedSchema>;
