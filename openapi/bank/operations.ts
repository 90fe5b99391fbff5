import { amendAccountRequest } from '../../functions/commands/accounts/amend-account.ts';
import { closeAccountRequest } from '../../functions/commands/accounts/close-account.ts';
import { freezeAccountRequest } from '../../functions/commands/accounts/freeze-account.ts';
import { unfreezeAccountRequest } from '../../functions/commands/accounts/unfreeze-account.ts';
import { BulkAnswer, bulkRequest } from '../../functions/commands/bulk/bulk.ts';
import { createPostingRequest } from '../../functions/commands/postings/create-posting.ts';
import { captureTransferRequest } from '../../functions/commands/transfers/capture-transfer.ts';
import { reverseTransferRequest } from '../../functions/commands/transfers/reverse-transfer.ts';
import { voidTransferRequest } from '../../functions/commands/transfers/void-transfer.ts';
import { AccountView, PostingAnswer, TransferAnswer } from '../../functions/ledger/answers.ts';
import { Posting } from '../../functions/ledger/posting.ts';
import { getPostingRequest } from '../../functions/queries/get-posting.ts';
import { AccountPage, listAccountsRequest } from '../../functions/queries/list-accounts.ts';
import { getStatementRequest, Statement } from '../../functions/queries/statement/get-statement.ts';
import { entries } from '../examples.ts';
import {
  errorsOfCommands,
  errorsOfQueries,
  errorsOfSeveral,
  notModified,
  type Operation,
  pending,
  pendingOrDone,
} from '../operation.ts';
import {
  captured,
  closed,
  described,
  frozen,
  posting,
  reversal,
  statement,
  voided,
} from './examples.ts';

const account = (description: string, example: object) => ({
  description,
  headers: ['ETag', 'IdempotencyReplayed', 'DryRun'] as const,
  schema: AccountView,
  examples: { account: example },
});

/** The routes that a bank needs besides money that moves now. */
export const bankOperations = {
  'GET /accounts': {
    tag: 'accounts',
    summary: "List the caller's accounts",
    description:
      'Newest first, each as it stands. Operators may ask for those of another `owner`. The list ' +
      'follows the accounts with a little delay.',
    scope: 'ledger:read',
    request: listAccountsRequest,
    answers: {
      200: {
        description: 'A page of accounts.',
        headers: [],
        schema: AccountPage,
        examples: { page: { accounts: [described] } },
      },
    },
    errors: errorsOfQueries,
  },
  'PATCH /accounts/{accountId}': {
    tag: 'accounts',
    summary: 'Change an account',
    description:
      'Its name, its metadata (names that are sent are replaced, `null` removes one), and, for ' +
      'operators, how far it may be overdrawn: never less than is in use.',
    scope: 'ledger:write',
    request: amendAccountRequest,
    examples: { name: { name: 'Household', metadata: { 'crm.id': '4711' } } },
    answers: {
      200: {
        description: 'The account.',
        headers: ['ETag'],
        schema: AccountView,
        examples: { account: described },
      },
    },
    errors: [...errorsOfCommands, 'AccountNotFound', 'AmendmentRefused'],
  },
  'POST /accounts/{accountId}/freeze': {
    tag: 'accounts',
    summary: 'Freeze an account',
    description:
      '`debits`: it pays nothing out any more. `all`: it takes nothing in either. What is reserved ' +
      'already settles or is released. One that is frozen so already is answered 200.',
    scope: 'ledger:operate',
    request: freezeAccountRequest,
    examples: { debits: { scope: 'debits', reason: 'court order 12/34' } },
    answers: { 200: account('It is frozen.', frozen), 202: pending },
    errors: [...errorsOfCommands, 'AccountNotFound', 'InProgress', 'NotOpen'],
  },
  'POST /accounts/{accountId}/unfreeze': {
    tag: 'accounts',
    summary: 'Open a frozen account again',
    scope: 'ledger:operate',
    request: unfreezeAccountRequest,
    examples: { unfreeze: {} },
    answers: { 200: account('It is open.', described), 202: pending },
    errors: [...errorsOfCommands, 'AccountNotFound', 'InProgress', 'NotOpen'],
  },
  'POST /accounts/{accountId}/close': {
    tag: 'accounts',
    summary: 'Close an account',
    description:
      'For ever, with a balance of 0 and nothing reserved. One that is frozen is not open, and has ' +
      'to be unfrozen first. One that is closed already is answered 200.',
    scope: 'ledger:write',
    request: closeAccountRequest,
    examples: { close: {} },
    answers: { 200: account('It is closed.', closed), 202: pending },
    errors: [...errorsOfCommands, 'AccountNotFound', 'InProgress', 'ClosingRefused'],
  },
  'GET /accounts/{accountId}/statement': {
    tag: 'accounts',
    summary: "Read an account's statement for a period",
    description:
      'Oldest first. It begins after the account as `?at=from` shows it and ends with it as ' +
      '`?at=to` does: statements that follow one another leave nothing out and have nothing twice. ' +
      'Without `from` from the beginning, without `to` up to now. `credits` and `debits` are those ' +
      'of the whole period, on every page. `Link` leads to the next page. With `Accept: text/csv` as ' +
      'CSV, of which all pages join to the whole. `head` names the last commit: whoever keeps it can ' +
      'check it against a later one.',
    scope: 'ledger:read',
    request: getStatementRequest,
    answers: {
      200: {
        description: 'A page of the statement.',
        headers: ['ETag', 'Link', 'VaryByAccept'],
        schema: Statement,
        csv: true,
        examples: { november: { ...statement, entries: [entries.deposit, entries.transferOut] } },
      },
      304: { ...notModified, headers: ['ETag', 'Link', 'VaryByAccept'] },
    },
    errors: [...errorsOfQueries, 'AccountNotFound', 'TotalOutOfRange'],
  },
  'POST /transfers/{transferId}/capture': {
    tag: 'transfers',
    summary: 'Have a held transfer carried out',
    description:
      'All of it, or `amount`, which is less: the remainder is given back. It is decided on the ' +
      'source, which `If-Match` and the key are about.',
    scope: 'ledger:write',
    request: captureTransferRequest,
    examples: { part: { amount: 2000 }, whole: {} },
    answers: {
      202: pendingOrDone('It is reserved, and under way.', TransferAnswer, { captured }, [
        'Location',
      ]),
    },
    errors: [...errorsOfCommands, 'TransferOrDestinationNotFound', 'InProgress', 'CaptureRefused'],
  },
  'POST /transfers/{transferId}/void': {
    tag: 'transfers',
    summary: 'Give a held transfer back',
    scope: 'ledger:write',
    request: voidTransferRequest,
    examples: { void: {} },
    answers: {
      200: {
        description: 'It is released.',
        headers: ['IdempotencyReplayed', 'DryRun'],
        schema: TransferAnswer,
        examples: { voided },
      },
      202: pending,
    },
    errors: [...errorsOfCommands, 'TransferNotFound', 'InProgress', 'VoidRefused'],
  },
  'POST /transfers/{transferId}/reversal': {
    tag: 'transfers',
    summary: 'Take a transfer back',
    description:
      'By a transfer from its destination to its source, of `amount` or all that is left: reversals ' +
      'of a transfer never exceed it together. One that is rejected or released gives its part back.',
    scope: 'ledger:write',
    request: reverseTransferRequest,
    examples: { part: { amount: 500, reference: 'returned' }, whole: {} },
    answers: {
      202: pendingOrDone(
        'The transfer that takes it back is under way.',
        TransferAnswer,
        { reversal },
        ['Location'],
      ),
    },
    errors: [...errorsOfCommands, 'TransferNotFound', 'InProgress', 'ReversalRefused'],
  },
  'POST /postings': {
    tag: 'transfers',
    summary: 'Move money between several accounts at once',
    description:
      '2 to 20 legs, each account once, which add up to 0: all land or none does. The caller owns ' +
      'every account that is debited. A `postingId` sent by the client is an idempotency key too.',
    scope: 'ledger:write',
    request: createPostingRequest,
    examples: {
      sale: {
        legs: [
          { accountId: 'a1', amount: -100 },
          { accountId: 'b1', amount: 97 },
          { accountId: 'f1', amount: 3 },
        ],
        reference: 'order 4711',
      },
    },
    answers: {
      201: {
        description: 'All legs have landed.',
        headers: ['Location', 'IdempotencyReplayed', 'DryRun'],
        schema: PostingAnswer,
        examples: { posting },
      },
    },
    errors: [...errorsOfSeveral, 'AccountNotFound', 'InProgress', 'PostingRefused'],
  },
  'GET /postings/{postingId}': {
    tag: 'transfers',
    summary: 'Read a posting',
    description: 'The owner of some of its accounts sees the legs of those.',
    scope: 'ledger:read',
    request: getPostingRequest,
    answers: {
      200: { description: 'The posting.', headers: [], schema: Posting, examples: { posting } },
    },
    errors: [...errorsOfQueries, 'PostingNotFound'],
  },
  'POST /bulk': {
    operationId: 'decideMany',
    tag: 'transfers',
    summary: 'Ask for many things at once',
    description:
      'Up to 500 deposits (which take `ledger:deposit`), withdrawals and transfers (`ledger:write`). ' +
      'Those of one account are decided in their order. Each has its own outcome: what its own ' +
      'request would have been answered. With an `Idempotency-Key` a repeat hears of each item what ' +
      'became of it, and has done what was left undone.',
    scope: ['ledger:write', 'ledger:deposit'],
    request: bulkRequest,
    examples: {
      salaries: {
        items: [
          { type: 'deposit', key: 'salary-1', accountId: 'a1', amount: 250000 },
          { type: 'transfer', from: 'a1', to: 'b1', amount: 2500, reference: 'rent' },
        ],
      },
    },
    answers: {
      200: {
        description: 'What became of each item, in their order.',
        headers: ['IdempotencyReplayed', 'DryRun'],
        schema: BulkAnswer,
        examples: { results: { results: [{ status: 201, body: entries.deposit }] } },
      },
    },
    errors: [...errorsOfSeveral, 'KeyReused'],
  },
} as const satisfies Readonly<Record<string, Operation>>;
