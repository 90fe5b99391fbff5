import { describe, expect, it } from 'vitest';
import { createAccess } from '../../../../local-cloud/iam/access.ts';
import { actionsOf } from '../../../../local-cloud/iam/actions.ts';
import { createGuard } from '../../../../local-cloud/iam/guard.ts';
import { readPolicy } from '../../../../local-cloud/iam/policy.ts';
import cases from './actions-cases.json' with { type: 'json' };

const place = { region: 'r', accountId: '1' };
const tables = 'arn:aws:dynamodb:r:1:';

const isService = (name: string | undefined): name is 'dynamodb' | 'states' =>
  name === 'dynamodb' || name === 'states';

describe.each(cases)('$request of $body', ({ request, body, asks }) => {
  it(`needs ${asks}`, () => {
    const [service, operation = ''] = request.split(':');
    if (!isService(service)) throw new Error(`there is no service ${service}`);
    const found = actionsOf(service, operation, body, place).map(
      ({ action, resource }) => `${action} ${resource.replace(tables, '')}`,
    );
    expect(found).toEqual(asks);
  });
});

const role = 'arn:aws:iam::1:role/R';

const guardWith = (actions: readonly string[]) => {
  const reports: string[] = [];
  const Statement = [
    { Effect: 'Allow', Action: actions, Resource: [`${tables}table/kept`, `${tables}table/other`] },
  ];
  const guard = createGuard({
    access: createAccess({
      roles: new Map([[role, readPolicy({ Statement }, 'role R', 'identity')]]),
      resources: new Map(),
    }),
    place,
    principalOf: (session) => ({ kind: 'role', arn: role, session }),
    appendOnly: new Set(['kept']),
    report: (line) => reports.push(line),
  });
  const ask = (operation: string, body: unknown, service: 'dynamodb' | 'states' = 'dynamodb') => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = guard({ functionName: 'f', service, operation, body: Buffer.from(text) });
    return answer && { status: answer.status, ...JSON.parse(answer.body.toString()) };
  };
  return { ask, reports };
};

describe('a request that its role does not allow', () => {
  it('is answered as DynamoDB does, and reported', () => {
    const { ask, reports } = guardWith(['dynamodb:PutItem']);
    const refused = ask('DeleteItem', { TableName: 'other' });
    const message =
      'User: arn:aws:sts::1:assumed-role/R/f is not authorized to perform: dynamodb:DeleteItem ' +
      'on resource: arn:aws:dynamodb:r:1:table/other because no identity-based policy allows the dynamodb:DeleteItem action';
    expect(refused).toEqual({
      status: 400,
      __type: 'com.amazon.coral.service#AccessDeniedException',
      Message: message,
    });
    expect(reports).toEqual([`f: ${message}`]);
    expect(ask('PutItem', { TableName: 'other' })).toBeUndefined();
  });

  it('is answered as Step Functions does', () => {
    const { ask } = guardWith(['dynamodb:PutItem']);
    expect(ask('StartExecution', { stateMachineArn: 'arn:m' }, 'states')).toMatchObject({
      status: 400,
      __type: 'AccessDeniedException',
    });
  });

  it('is a whole transaction of which one item is not allowed', () => {
    const { ask } = guardWith(['dynamodb:PutItem']);
    const Put = { TableName: 'other' };
    expect(ask('TransactWriteItems', { TransactItems: [{ Put }, { Put }] })).toBeUndefined();
    const Delete = { TableName: 'other' };
    expect(ask('TransactWriteItems', { TransactItems: [{ Put }, { Delete }] })).toMatchObject({
      Message: expect.stringContaining('dynamodb:DeleteItem'),
    });
  });

  it('is no JSON', () => {
    expect(guardWith(['*']).ask('PutItem', '{"TableName":')).toMatchObject({
      __type: 'SerializationException',
    });
    expect(guardWith(['*']).ask('PutItem', 'null')).toMatchObject({
      __type: 'com.amazon.coral.service#AccessDeniedException',
    });
  });
});

describe('a Put into a table in which nobody may change an item', () => {
  const condition = { ConditionExpression: 'attribute_not_exists(id)' };

  it('without a condition is refused by name, and reported', () => {
    const { ask, reports } = guardWith(['*']);
    const Put = { TableName: 'kept' };
    for (const [operation, body] of [
      ['PutItem', Put],
      ['PutItem', { TableName: `${tables}table/kept` }],
      ['TransactWriteItems', { TransactItems: [{ Put: { TableName: 'other' } }, { Put }] }],
    ] as const)
      expect(ask(operation, body)).toMatchObject({
        status: 400,
        __type: 'HoldfastLocal#UnconditionalPut',
        message: expect.stringContaining('kept'),
      });
    expect(reports.at(-1)).toContain('f: A Put into kept has no condition');
  });

  it('with a condition passes, and so does any Put elsewhere', () => {
    const { ask } = guardWith(['*']);
    expect(ask('PutItem', { TableName: 'kept', ...condition })).toBeUndefined();
    expect(ask('PutItem', { TableName: 'other' })).toBeUndefined();
    const Put = { TableName: 'kept', ...condition };
    expect(ask('TransactWriteItems', { TransactItems: [{ Put }] })).toBeUndefined();
  });
});
