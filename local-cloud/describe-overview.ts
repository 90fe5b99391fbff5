import type { Overview } from './overview.ts';

/**
 * What runs where, as a table for people, and a first request to try.
 * @param settings of the stage, by name.
 * @param token for that request; absent: it takes none.
 */
export const describeOverview = (
  overview: Overview,
  settings: Readonly<Record<string, string>>,
  token: string | undefined,
): string => {
  const { api, dynamodb, functions, streams, workflows, schedules, deadLetters } = overview;
  const rows: (readonly [kind: string, text: string])[] = [
    ['API', `${api.url}   ${api.routes.length} routes; all of this as JSON: ${api.url}/_local`],
    [
      'Settings',
      Object.entries(settings)
        .map(([name, value]) => `${name} ${value}`)
        .join(', '),
    ],
    [
      'DynamoDB',
      `${dynamodb.endpoint}   ${dynamodb.engine}; ${dynamodb.region}, access key ${dynamodb.accessKeyId}`,
    ],
    ['Tables', dynamodb.tables.join(', ')],
    ['Functions', `${functions.length}, each in worker threads of its own`],
    ...streams.map(({ table, function: name }) => ['Stream', `${table} -> ${name}`] as const),
    ...workflows.map(({ name, type }) => ['Workflow', `${name} (${type.toLowerCase()})`] as const),
    ...schedules.map(
      ({ expression, function: name }) => ['Schedule', `${expression} -> ${name}`] as const,
    ),
    ...Object.keys(deadLetters).map((queue) => ['Queue', `${queue} (in memory)`] as const),
  ];
  return [
    '',
    ...rows.map(([kind, text]) => `  ${kind.padEnd(10)} ${text}`),
    '',
    ...(token === undefined
      ? ['  Try:']
      : [
          '  Try, as alice, for an hour (other tokens: npm run token -- --help):',
          `  TOKEN=${token}`,
        ]),
    `  curl -i ${api.url}/accounts -H 'content-type: application/json' \\`,
    ...(token === undefined ? [] : ['    -H "authorization: Bearer $TOKEN" \\']),
    `    -d '{"accountId":"alice-savings","currency":"EUR"}'`,
    '',
    '  Ctrl-C ends everything.',
  ].join('\n');
};
