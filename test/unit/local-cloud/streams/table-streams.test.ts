import { expect, it } from 'vitest';
import type { Stream } from '../../../../local-cloud/streams/stream.ts';
import { openTableStreams } from '../../../../local-cloud/streams/table-streams.ts';

const tables = new Map([
  ['Events', { tableName: 'bank-events', streamArn: 'arn:events' }],
  ['Archive', { tableName: 'bank-events-archive', streamArn: 'arn:archive' }],
  ['Views', { tableName: 'bank-views' }],
]);

/** Streams that note when they are woken. */
const opened = () => {
  const woken: string[] = [];
  const streams = openTableStreams(
    tables,
    (arn): Stream => ({
      arn,
      wake: () => woken.push(arn),
      describe: () => Promise.reject(new Error('not asked for')),
      reader: () => {
        throw new Error('not asked for');
      },
      follow: () => Promise.reject(new Error('not asked for')),
    }),
  );
  return { streams, woken };
};

it('a table has its stream, if it has one', () => {
  const { streams } = opened();
  expect(['Events', 'Archive', 'Views', 'Nothing'].map((table) => streams.of(table)?.arn)).toEqual([
    'arn:events',
    'arn:archive',
    undefined,
    undefined,
  ]);
});

it.each([
  ['a put', { TableName: 'bank-events', Item: {} }, ['arn:events']],
  [
    'a put into a table whose name is longer',
    { TableName: 'bank-events-archive' },
    ['arn:archive'],
  ],
  [
    'a transaction',
    {
      TransactItems: [
        { Put: { TableName: 'bank-events-archive' } },
        { Put: { TableName: 'bank-events' } },
      ],
    },
    ['arn:events', 'arn:archive'],
  ],
  ['a batch', { RequestItems: { 'bank-events': [], 'bank-views': [] } }, ['arn:events']],
  ['a put into a table without a stream', { TableName: 'bank-views' }, []],
])('%s wakes the streams of the tables that it names', (_, request, expected) => {
  const { streams, woken } = opened();
  streams.wake(Buffer.from(JSON.stringify(request)));
  expect(woken).toEqual(expected);
});
