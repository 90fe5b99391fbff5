/** What the document says of the API as a whole. */
export const info = {
  title: 'Holdfast',
  version: '1.0.0',
  summary: 'A ledger of accounts and transfers that happen once.',
  description:
    "Amounts are integers in the currency's minor unit (cents). Times are ISO 8601, UTC, with " +
    'milliseconds; in requests any of RFC 3339. Fields and query parameters that are not known ' +
    'are refused; `/health`, `/openapi.json` and `/docs` alone take any. So are a name that comes twice ' +
    'in one object, a body that is not UTF-8, and a number that could be kept only by ' +
    'rounding.\n\n' +
    'Callers show who they are by a token, a JWT of the identity provider, whose `sub` names them: ' +
    '`Authorization: Bearer …`; `/health`, `/openapi.json` and `/docs` alone take none. `ledger:read` reads, ' +
    '`ledger:write` changes, `ledger:deposit` pays money in from outside, `ledger:operate` may do ' +
    'everything on every account. An account belongs to the caller that opened it: to everybody ' +
    'else but operators it is answered like one that is not there, 404, whatever is asked of it.' +
    '\n\n' +
    'Every error is `application/problem+json` (RFC 9457) with a stable `code`; a path that is ' +
    'not listed here answers 404 `route_not_found`, a method that is not listed with its path ' +
    '405 `method_not_allowed` with `Allow`. Every GET is answered to HEAD as well: the same ' +
    "status and headers, no body. Every answer of the API's own carries `X-Correlation-Id` and " +
    '`Cache-Control`, which is `no-store` everywhere but at `/docs`. Answers may gain fields.\n\n' +
    'The gateway in front of the API answers some requests by itself, with `application/json` ' +
    '`{"message"}` instead of a problem, without `X-Correlation-Id`: 400, 401, 413, 429 and ' +
    '431, where nothing was done, and 500 and 503, where it is not known whether anything was. Every ' +
    'answer carries `Apigw-Requestid`, by which the logs have such a request.',
  license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
};

/** How callers show who they are. */
export const tokenScheme = {
  type: 'http',
  scheme: 'bearer',
  bearerFormat: 'JWT',
  description:
    'An access token of the identity provider. What an operation lists is the scope that it takes, ' +
    "by the ledger's own name; the provider may call it otherwise.",
};

const descriptionsOfTags = {
  accounts: 'Accounts and the money on them.',
  transfers: 'Money from one account to another.',
  service: 'About the API itself.',
};

/** What operations are grouped by. */
export type TagName = keyof typeof descriptionsOfTags;

export const tags = Object.entries(descriptionsOfTags).map(([name, description]) => ({
  name,
  description,
}));
