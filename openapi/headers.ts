import type { JsonSchema } from './json-schemas.ts';

/** A header of answers. */
export interface Header {
  readonly name: string;
  readonly description: string;
  /** Whether it is on every such answer. */
  readonly required?: true;
  readonly schema: JsonSchema;
  readonly example?: string | number;
}

/** The headers of all answers. */
export const headers = {
  XCorrelationId: {
    name: 'X-Correlation-Id',
    description: "The request's correlation id.",
    required: true,
    schema: { type: 'string' },
    example: 'checkout-4711',
  },
  ETag: {
    name: 'ETag',
    description: "The account's version in quotes, for `If-Match` and `If-None-Match`.",
    schema: { type: 'string' },
    example: '"7"',
  },
  Location: {
    name: 'Location',
    description: 'Where what was made can be read.',
    schema: { type: 'string', format: 'uri-reference' },
    example: '/transfers/t1',
  },
  IdempotencyReplayed: {
    name: 'Idempotency-Replayed',
    description: '`true` on the answer to a repeat: it was decided earlier.',
    schema: { type: 'string', const: 'true' },
  },
  DryRun: {
    name: 'Dry-Run',
    description: '`true` with `?dryRun=true`: nothing was done. The status is 200 then.',
    schema: { type: 'string', const: 'true' },
  },
  Link: {
    name: 'Link',
    description: 'The next page, where there is one (RFC 8288).',
    schema: { type: 'string' },
    example: '</accounts/a1/statement?limit=1000&cursor=eyJ2IjoxfQ>; rel="next"',
  },
  VaryByAccept: {
    name: 'Vary',
    description: 'The answer depends on this header of the request.',
    schema: { type: 'string', const: 'Accept' },
  },
  PreferenceApplied: {
    name: 'Preference-Applied',
    description: 'The preference that was honoured (RFC 7240).',
    schema: { type: 'string' },
    example: 'wait=5',
  },
  RetryAfter: {
    name: 'Retry-After',
    description: 'In how many seconds to try again.',
    required: true,
    schema: { type: 'integer', minimum: 1 },
    example: 1,
  },
  WWWAuthenticate: {
    name: 'WWW-Authenticate',
    description: 'How to say who one is, and what is wrong with the token (RFC 6750, 3).',
    required: true,
    schema: { type: 'string' },
    example: 'Bearer scope="" error="invalid_token" error_description="the token has expired"',
  },
  ApigwRequestid: {
    name: 'Apigw-Requestid',
    description:
      "The gateway's id of the request, on every answer. To be named where somebody is " +
      'asked why.',
    required: true,
    schema: { type: 'string' },
    example: 'Ptk4hhUUoAMEJpA=',
  },
  CorrelationIdOfProblem: {
    name: 'X-Correlation-Id',
    description: "The request's correlation id, with a problem: the gateway's own answer has none.",
    schema: { type: 'string' },
    example: 'checkout-4711',
  },
  RetryAfterOfPending: {
    name: 'Retry-After',
    description: 'In how many seconds to look, with `pending`.',
    schema: { type: 'integer', minimum: 1 },
  },
  RetryAfterOfInProgress: {
    name: 'Retry-After',
    description: 'In how many seconds to try again, with `command_in_progress`.',
    schema: { type: 'integer', minimum: 1 },
  },
  RetryAfterOfProblem: {
    name: 'Retry-After',
    description: 'In how many seconds to try again, with a problem.',
    schema: { type: 'integer', minimum: 1 },
    example: 1,
  },
  AcceptEncoding: {
    name: 'Accept-Encoding',
    description: '`identity`, where the body was encoded.',
    schema: { type: 'string' },
    example: 'identity',
  },
  ContentSecurityPolicy: {
    name: 'Content-Security-Policy',
    description: 'What the page may load: itself, and answers of this API.',
    required: true,
    schema: { type: 'string' },
    example: "default-src 'none'; connect-src 'self'",
  },
  ContentEncoding: {
    name: 'Content-Encoding',
    description: '`gzip`, where the client takes that.',
    schema: { type: 'string', const: 'gzip' },
  },
  ReferrerPolicy: {
    name: 'Referrer-Policy',
    description: 'What the page tells where it links to.',
    required: true,
    schema: { type: 'string', const: 'no-referrer' },
  },
  Vary: {
    name: 'Vary',
    description: 'What the answer depends on, besides its URL.',
    required: true,
    schema: { type: 'string', const: 'Accept-Encoding' },
  },
  XContentTypeOptions: {
    name: 'X-Content-Type-Options',
    description: 'The page is what its `Content-Type` says.',
    required: true,
    schema: { type: 'string', const: 'nosniff' },
  },
} as const satisfies Record<string, Header>;

/** The name of a header among the document's components. */
export type HeaderName = keyof typeof headers;
