/** A parameter, and what is said of it. Its schema is the one that the routes read it with. */
export interface Parameter {
  /** As its sender writes it. */
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly description: string;
  readonly example?: string | number;
  /** The one route that reads it so, where others read it differently. */
  readonly route?: string;
}

/** The parameters of all routes. */
export const parameters = {
  AccountId: { name: 'accountId', in: 'path', description: 'The account.', example: 'a1' },
  TransferId: { name: 'transferId', in: 'path', description: 'The transfer.', example: 't1' },
  CommandId: {
    name: 'commandId',
    in: 'path',
    description: 'The command, as a `Location` named it.',
    example: '019aa5f2-7a10-7c3e-9b1d-2f6c8e4a5b70',
  },
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'Makes the command happen once. A repeat with the same body is answered with the ' +
      'same status and body and `Idempotency-Replayed: true`, for ever, rejections ' +
      'too; another body with the same key: 422 `idempotency_key_reused`. A key ' +
      'belongs to one caller and one account. One that came twice (`a,a`): 400.',
    example: '5f0c6e1e-rent-november',
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    description:
      'Decide at this version of the account, as its `ETag` named it, or answer 412. A ' +
      "strong tag, or several of which one must be the account's: a weak one matches " +
      'nothing (RFC 9110, 13.1.1). `*` asks only that there is an account.',
    example: '"7"',
  },
  Prefer: {
    name: 'Prefer',
    in: 'header',
    description:
      '`wait=N`, 0 to 10 seconds: answer when the transfer has ended, or after N ' +
      'seconds as it stands. Other preferences are ignored (RFC 7240).',
    example: 'wait=5',
  },
  CorrelationId: {
    name: 'X-Correlation-Id',
    in: 'header',
    description:
      'Taken over where it is 1 to 128 printable ASCII characters, else one is made. ' +
      'One that came twice is taken once. It comes back with the answer, and is on ' +
      'every event and log line that the request causes.',
    example: 'checkout-4711',
  },
  AsOfVersion: {
    name: 'version',
    in: 'query',
    description: 'The account as it was at this version. Not together with `at`.',
    example: 3,
  },
  AsOfTime: {
    name: 'at',
    in: 'query',
    description:
      'The account as it was at this time, any of RFC 3339 with its offset, read to ' +
      'the millisecond; one ahead of now is answered as it stands. See `final`. Not ' +
      'together with `version`.',
    example: '2026-11-21T10:00:00.000Z',
  },
  PostingId: { name: 'postingId', in: 'path', description: 'The posting.', example: 'p1' },
  DryRun: {
    name: 'dryRun',
    in: 'query',
    description:
      '`true`: answer as the request would be answered now, with 200 and `Dry-Run: true`, or with ' +
      'why not, and do nothing. A key that is taken is replayed; none is claimed.',
  },
  Owner: { name: 'owner', in: 'query', description: 'Whose accounts; for operators.' },
  From: {
    name: 'from',
    in: 'query',
    description: 'The statement begins after this time, any of RFC 3339; the beginning without it.',
    example: '2026-11-01T00:00:00Z',
  },
  To: {
    name: 'to',
    in: 'query',
    description: 'The statement ends with this time, any of RFC 3339; now without it.',
    example: '2026-11-30T23:59:59.999Z',
  },
  Accept: {
    name: 'Accept',
    in: 'header',
    description: '`text/csv` for CSV; JSON otherwise.',
    example: 'text/csv',
  },
  StatementLimit: {
    name: 'limit',
    in: 'query',
    description: 'How many lines a page holds.',
    route: 'GET /accounts/{accountId}/statement',
  },
  Limit: { name: 'limit', in: 'query', description: 'How many a page holds.' },
  Cursor: { name: 'cursor', in: 'query', description: '`nextCursor` of the page before. Opaque.' },
  Status: { name: 'status', in: 'query', description: 'Only transfers that are this far.' },
  Reference: {
    name: 'reference',
    in: 'query',
    description:
      'Only transfers with exactly this reference. A page may then hold few, or none, and still ' +
      'have a `nextCursor`, which is of this list alone.',
    example: 'rent',
  },
  AcceptEncoding: {
    name: 'Accept-Encoding',
    in: 'header',
    description:
      'Whether `gzip` is taken (RFC 9110, 12.5.3): the page then has a quarter of its size.',
    example: 'gzip',
  },
  IfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    description:
      'What the client has already, by its `ETag`: answered 304 where that is how it ' +
      'stands. Tags are compared weakly (RFC 9110, 13.1.2). With `at` an answer that ' +
      'is `final` is always given: the client may have it from before it was.',
    example: '"7"',
  },
} as const satisfies Record<string, Parameter>;
