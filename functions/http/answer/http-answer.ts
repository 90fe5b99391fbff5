/**
 * What an HTTP Lambda answers: API Gateway's payload 2.0, with headers always there for the chain
 * to add to.
 */
export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
  /** Whether `body` is bytes in base64, as compressed ones are. */
  readonly isBase64Encoded?: boolean;
}

/**
 * An answer in JSON.
 * @param statusCode the HTTP status.
 * @param body plain JSON.
 * @param headers besides those that every answer has. Nobody may cache balances, so no answer may
 *   be stored on the way.
 */
export const json = (
  statusCode: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer => ({
  statusCode,
  headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers },
  body: JSON.stringify(body),
});

/**
 * The entity tag of an account at a version, for `ETag`; a client sends it back as `If-Match`.
 * @param version the account's version.
 */
export const etag = (version: number): string => `"${version}"`;
