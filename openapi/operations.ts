import * as z from 'zod/mini';
import { movementRequest } from '../functions/commands/movement-request.ts';
import { openAccountRequest } from '../functions/commands/open-account.ts';
import { requestTransferRequest } from '../functions/commands/request-transfer.ts';
import { AccountView, EntryAnswer, TransferAnswer } from '../functions/ledger/answers.ts';
import { Transfer } from '../functions/ledger/transfer.ts';
import { docsRequest } from '../functions/queries/docs.ts';
import { AccountAnswer, getAccountRequest } from '../functions/queries/get-account.ts';
import { CommandStatus, getCommandRequest } from '../functions/queries/get-command.ts';
import { getTransferRequest } from '../functions/queries/get-transfer.ts';
import { Health, healthRequest } from '../functions/queries/health.ts';
import { EntryPage, listEntriesRequest } from '../functions/queries/list-entries.ts';
import { listTransfersRequest, TransferPage } from '../functions/queries/list-transfers.ts';
import { openApiRequest } from '../functions/queries/openapi.ts';
import type { HttpRoute } from '../infra/constructs/catalogue.ts';
import { held } from './bank/examples.ts';
import { bankOperations } from './bank/operations.ts';
import { accounts, commands, entries, transfers } from './examples.ts';
import {
  errorsOfCommands,
  errorsOfQueries,
  errorsOfService,
  notModified,
  type Operation,
  pending,
} from './operation.ts';

/** Every route of the API. */
export const operations: Readonly<Record<HttpRoute, Operation>> = {
  ...bankOperations,
  'POST /accounts': {
    tag: 'accounts',
    summary: 'Open an account',
    description:
      'The caller becomes its owner, unless an operator names another. An `Idempotency-Key` belongs to the caller here; where no ' +
      '`accountId` is sent, it determines the one that is made. No `If-Match` holds for an ' +
      'account that is still to be opened: 412.',
    scope: 'ledger:write',
    request: openAccountRequest,
    examples: {
      withId: { accountId: 'a1', currency: 'EUR' },
      withOverdraft: { currency: 'EUR', overdraftLimit: 50000 },
    },
    answers: {
      201: {
        description: 'The account is open.',
        headers: ['ETag', 'Location', 'IdempotencyReplayed', 'DryRun'],
        schema: AccountView,
        examples: { opened: accounts.opened },
      },
    },
    errors: [...errorsOfCommands, 'AccountExists', 'KeyReused'],
  },
  'GET /accounts/{accountId}': {
    tag: 'accounts',
    summary: 'Read an account',
    description:
      'Strongly consistent: what was accepted before is in it. With `version` or `at` (not ' +
      'both), the account as it was then; with `at`, `final` says whether that will read the ' +
      'same for ever.',
    scope: 'ledger:read',
    request: getAccountRequest,
    answers: {
      200: {
        description: 'The account.',
        headers: ['ETag'],
        schema: AccountAnswer,
        examples: { account: accounts.reserved, asItWas: { ...accounts.reserved, final: true } },
      },
      304: notModified,
    },
    errors: [...errorsOfQueries, 'AccountOrVersionNotFound'],
  },
  'POST /accounts/{accountId}/deposits': {
    tag: 'accounts',
    summary: 'Pay money in',
    description:
      'From outside, to any account: for a teller or a payment rail. A customer pays into the ' +
      'account of another by a transfer.',
    scope: 'ledger:deposit',
    request: movementRequest,
    examples: { salary: { amount: 10000, currency: 'EUR', reference: 'salary' } },
    answers: {
      201: {
        description: 'The money is on the account: the line of its statement.',
        headers: ['ETag', 'IdempotencyReplayed', 'DryRun'],
        schema: EntryAnswer,
        examples: { deposit: entries.deposit },
      },
      202: pending,
    },
    errors: [...errorsOfCommands, 'AccountNotFound', 'InProgress', 'DepositRefused'],
  },
  'POST /accounts/{accountId}/withdrawals': {
    tag: 'accounts',
    summary: 'Pay money out',
    scope: 'ledger:write',
    request: movementRequest,
    examples: { rent: { amount: 2500, reference: 'rent' } },
    answers: {
      201: {
        description: 'The money has left the account: the line of its statement.',
        headers: ['ETag', 'IdempotencyReplayed', 'DryRun'],
        schema: EntryAnswer,
        examples: { withdrawal: entries.withdrawal },
      },
      202: pending,
    },
    errors: [...errorsOfCommands, 'AccountNotFound', 'InProgress', 'WithdrawalRefused'],
  },
  'GET /accounts/{accountId}/entries': {
    tag: 'accounts',
    summary: "Read an account's entries",
    description:
      'The lines of its statement, newest first. They are up to date: all that was answered before is there. ' +
      '`asOfVersion` and `ETag` say at which version the account was.',
    scope: 'ledger:read',
    request: listEntriesRequest,
    answers: {
      200: {
        description: 'A page of the entries.',
        headers: ['ETag'],
        schema: EntryPage,
        examples: {
          page: {
            entries: [entries.transferOut, entries.deposit],
            nextCursor: 'eyJ2IjoxLCJiZWZvcmUiOjJ9',
            asOfVersion: 6,
          },
        },
      },
      304: notModified,
    },
    errors: [...errorsOfQueries, 'AccountNotFound'],
  },
  'GET /accounts/{accountId}/transfers': {
    tag: 'transfers',
    summary: "Read an account's transfers",
    description:
      'Outgoing and incoming, newest first. The list follows the accounts with a little delay; ' +
      '`asOfVersion` says up to which version of the account it shows what became of its ' +
      'transfers. A rare `status` is looked for in some hundreds of ' +
      'transfers at a time: a page may hold fewer than `limit`, or none, and still have a ' +
      '`nextCursor`.',
    scope: 'ledger:read',
    request: listTransfersRequest,
    answers: {
      200: {
        description: 'A page of transfers.',
        headers: [],
        schema: TransferPage,
        examples: { page: { transfers: [transfers.settled], asOfVersion: 6 } },
      },
    },
    errors: [...errorsOfQueries, 'AccountNotFound'],
  },
  'POST /transfers': {
    tag: 'transfers',
    summary: 'Transfer money',
    description:
      "From the caller's own account, or anybody's for an operator, to any account. " +
      'Reserves the amount on the source; crediting the destination and settling follow. A ' +
      'transfer whose destination cannot take it (missing, not open, another currency) is ' +
      'accepted, then released with the code in `reason`: the source is whole again.\n\n' +
      'A `transferId` sent by the client is an idempotency key too. An `Idempotency-Key` belongs ' +
      'to the caller and the source; where no `transferId` is sent, it determines the one that ' +
      'is made. `If-Match` is about the source.\n\n' +
      'A repeat is answered with what was recorded: the transfer as it was reserved. With ' +
      '`Prefer: wait=N` it is answered as it stands once it has ended or the wait is over, on a ' +
      'repeat too.\n\n' +
      'With `hold` the money is reserved and nothing else happens, until it is captured or voided, or ' +
      'until `expiresAt`: 7 days from now where nothing else is said, at most 365.',
    scope: 'ledger:write',
    request: requestTransferRequest,
    examples: {
      rent: { from: 'a1', to: 'b1', amount: 2500, reference: 'rent' },
      withId: { transferId: 't1', from: 'a1', to: 'b1', amount: 2500, currency: 'EUR' },
      held: { from: 'a1', to: 'b1', amount: 2500, hold: {} },
    },
    answers: {
      202: {
        description:
          'The money is reserved, and the transfer under way; with `Prefer: wait=N`, as far as ' +
          'it has got. Or, on an account that many commands meet on, the request still waits to ' +
          'be decided: then `Location` names the place that will have its outcome.',
        headers: [
          'RetryAfterOfPending',
          'Location',
          'PreferenceApplied',
          'IdempotencyReplayed',
          'DryRun',
        ],
        schema: z.union([TransferAnswer, CommandStatus]),
        examples: {
          reserved: transfers.reserved,
          held,
          waitedFor: transfers.settled,
          pending: commands.pending,
        },
      },
    },
    errors: [...errorsOfCommands, 'AccountNotFound', 'InProgress', 'TransferRefused'],
  },
  'GET /transfers/{transferId}': {
    tag: 'transfers',
    summary: 'Read a transfer',
    description:
      'With the steps it has taken; shown to the owner of either side. It is there from the moment of the 202 that shows it; its ' +
      'status may lag a little.',
    scope: 'ledger:read',
    request: getTransferRequest,
    answers: {
      200: {
        description: 'The transfer.',
        headers: [],
        schema: Transfer,
        examples: { settled: transfers.settled, released: transfers.released },
      },
    },
    errors: [...errorsOfQueries, 'TransferNotFound'],
  },
  'GET /accounts/{accountId}/commands/{commandId}': {
    tag: 'accounts',
    summary: 'Read what became of a command',
    description:
      'The `Location` of a 202 that says `pending`: the command is pending on an account that ' +
      'many meet on, and its outcome will be here. It stays for ever.',
    scope: 'ledger:read',
    request: getCommandRequest,
    answers: {
      200: {
        description: 'The command; its outcome once it is decided.',
        headers: ['RetryAfterOfPending'],
        schema: CommandStatus,
        examples: {
          accepted: commands.accepted,
          rejected: commands.rejected,
          pending: commands.stillPending,
        },
      },
    },
    errors: [...errorsOfQueries, 'CommandNotFound'],
  },
  'GET /health': {
    operationId: 'getHealth',
    tag: 'service',
    summary: 'Ask whether the API answers',
    scope: undefined,
    request: healthRequest,
    answers: {
      200: {
        description: 'It does.',
        headers: [],
        schema: Health,
        examples: { ok: { status: 'ok' } },
      },
    },
    errors: errorsOfService,
  },
  'GET /openapi.json': {
    operationId: 'getOpenApi',
    tag: 'service',
    summary: 'Read this document',
    scope: undefined,
    request: openApiRequest,
    answers: {
      200: {
        description: 'This API as OpenAPI 3.1.',
        headers: [],
        schema: z.looseObject({ openapi: z.string() }),
      },
    },
    errors: errorsOfService,
  },
  'GET /docs': {
    operationId: 'getDocs',
    tag: 'service',
    summary: 'Read this document as a page',
    description:
      'For people: the page shows what `/openapi.json` says, and can send requests. It asks no ' +
      'other host for anything. It may be kept for an hour.',
    scope: undefined,
    request: docsRequest,
    answers: {
      200: {
        description: 'The page.',
        headers: [
          'ContentSecurityPolicy',
          'ContentEncoding',
          'ReferrerPolicy',
          'Vary',
          'XContentTypeOptions',
        ],
        mediaType: 'text/html',
        schema: z.string(),
      },
    },
    errors: errorsOfService,
  },
};
