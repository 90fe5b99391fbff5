import { describe, expect, it } from 'vitest';
import { createAccess } from '../../../../local-cloud/iam/access.ts';
import { isTrusted, readPolicy } from '../../../../local-cloud/iam/policy.ts';
import type { Principal } from '../../../../local-cloud/iam/request.ts';
import cases from './evaluation-cases.json' with { type: 'json' };
import refused from './refused-policies.json' with { type: 'json' };

const role = 'arn:aws:iam::1:role/r';

/** `events.amazonaws.com for ARN`, or the role where nobody is named. */
const principalOf = (by: string | undefined): Principal => {
  const [name = '', sourceArn = ''] = by?.split(' for ') ?? [];
  return by === undefined
    ? { kind: 'role', arn: role, session: 's' }
    : { kind: 'service', name, sourceArn };
};

/** What a case says that the refusal says. */
const outcomes: Readonly<Record<string, RegExp | undefined>> = {
  allowed: undefined,
  'no allow': /because no (identity|resource)-based policy allows the \S+ action$/,
  'deny in identity': /with an explicit deny in an identity-based policy$/,
  'deny in resource': /with an explicit deny in a resource-based policy$/,
};

describe.each(cases)('$says', ({ ask, outcome, ...more }) => {
  it(`${ask}: ${outcome}`, () => {
    const [action = '', resource = ''] = ask.split(' on ');
    const read = (statements: unknown, kind: 'identity' | 'resource') =>
      readPolicy({ Version: '2012-10-17', Statement: statements ?? [] }, 'a test', kind);
    const given: { identity?: unknown; resource?: unknown; by?: string } = more;
    const access = createAccess({
      roles: new Map([[role, read(given.identity, 'identity')]]),
      resources: new Map([[resource, read(given.resource, 'resource')]]),
    });
    const refusal = access.refusal({ principal: principalOf(given.by), action, resource });
    expect(Object.keys(outcomes)).toContain(outcome);
    const expected = outcomes[outcome];
    if (expected === undefined) expect(refusal).toBeUndefined();
    else expect(refusal).toMatch(expected);
    expect(access.used()).toHaveLength(expected === undefined ? 1 : 0);
  });
});

describe('a policy that cannot be enforced', () => {
  it.each(refused)('is refused, and $names is named', ({ statement, names, ...more }) => {
    const kind = 'kind' in more ? 'resource' : 'identity';
    const read = () => readPolicy({ Statement: [statement] }, 'role x', kind);
    expect(read).toThrow('Holdfast local cannot enforce the policy of role x: ');
    expect(read).toThrow(names);
  });

  it('is one of another version, too', () => {
    expect(() =>
      readPolicy({ Version: '2030-01-01', Statement: [] }, 'role x', 'identity'),
    ).toThrow('Version');
  });
});

describe('a refusal', () => {
  it('says it in the words of AWS', () => {
    const access = createAccess({ roles: new Map(), resources: new Map() });
    expect(
      access.refusal({
        principal: { kind: 'role', arn: 'arn:aws:iam::123456789012:role/R', session: 'deposit' },
        action: 'dynamodb:PutItem',
        resource: 'arn:aws:dynamodb:us-east-1:123456789012:table/events',
      }),
    ).toBe(
      'User: arn:aws:sts::123456789012:assumed-role/R/deposit is not authorized to perform: dynamodb:PutItem ' +
        'on resource: arn:aws:dynamodb:us-east-1:123456789012:table/events ' +
        'because no identity-based policy allows the dynamodb:PutItem action',
    );
  });
});

describe('who may take a role', () => {
  const trust = (Effect: string, Service: string) => ({
    Statement: [{ Effect, Action: 'sts:AssumeRole', Principal: { Service } }],
  });

  it.each([
    [trust('Allow', 'lambda.amazonaws.com'), true],
    [trust('Allow', 'states.amazonaws.com'), false],
    [trust('Deny', 'lambda.amazonaws.com'), false],
    [{ Statement: [] }, false],
  ])('is said by its trust policy %j: %s', (document, expected) => {
    expect(isTrusted(document, 'role x', 'lambda.amazonaws.com')).toBe(expected);
  });
});
