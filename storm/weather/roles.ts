import {
  type Access,
  definitionOf,
  type FunctionName,
  functionNames,
} from '../../infra/constructs/catalogue.ts';
import { createAccess } from '../../local-cloud/iam/access.ts';
import { createGuard } from '../../local-cloud/iam/guard.ts';
import { readPolicy } from '../../local-cloud/iam/policy.ts';
import type { Report } from '../violation.ts';

/** Which functions' work an environment of the storm does. */
export type Work = 'behind the API' | 'behind the streams';

/** Refuses a request that none of the functions' roles allows. @throws as DynamoDB would. */
export type Roles = (operation: string, body: object) => void;

/** An operator's tool: no storm runs it. */
const NOT_HERE: FunctionName = 'rebuild-views';

const functionsOf = (work: Work): readonly FunctionName[] =>
  functionNames.filter(
    (name) =>
      name !== NOT_HERE && (definitionOf(name).route !== undefined) === (work === 'behind the API'),
  );

const place = { region: 'us-east-1', accountId: '000000000000' };
const role = `arn:aws:iam::${place.accountId}:role/storm`;

/** The tables of a storm are called as the catalogue calls them, and so are their indexes. */
const statementsOf = (access: Access) =>
  Object.entries(access)
    .filter(([resource]) => /^(events|commands|queue|views)(\/openTransfers)?$/.test(resource))
    .map(([resource, Action]) => ({
      Effect: 'Allow',
      Action,
      Resource: `arn:aws:dynamodb:${place.region}:${place.accountId}:table/${resource.replace('/', '/index/')}`,
    }));

/**
 * Holds the requests of an environment to what the roles of its functions allow, all together: it
 * does the work of several. Events and records are only added, on a condition.
 * @param report told of what is refused: the code has asked for what its role would not let it do.
 */
export const rolesOf = (work: Work, report: Report): Roles => {
  const Statement = functionsOf(work).flatMap((name) => {
    const { access, sharedAccess = {} } = definitionOf(name);
    return [...statementsOf(access), ...statementsOf(sharedAccess)];
  });
  const guard = createGuard({
    access: createAccess({
      roles: new Map([[role, readPolicy({ Statement }, work, 'identity')]]),
      resources: new Map(),
    }),
    place,
    principalOf: (session) => ({ kind: 'role', arn: role, session }),
    appendOnly: new Set(['events', 'commands']),
    report: (line) => report('nothing is asked for that no role allows', line),
  });
  return (operation, body) => {
    const call = { functionName: work, service: 'dynamodb', operation } as const;
    const refused = guard({ ...call, body: Buffer.from(JSON.stringify(body)) });
    if (refused)
      throw Object.assign(new Error(refused.body.toString()), { name: 'AccessDeniedException' });
  };
};
