/** One action on one resource, which a request to a service comes to. */
export interface Asked {
  /** E.g. `dynamodb:PutItem`. */
  readonly action: string;
  /** An ARN, or `*`. */
  readonly resource: string;
}

/** Where the resources are. */
export interface Place {
  readonly region: string;
  readonly accountId: string;
}

/**
 * The actions that a request needs. IAM has none for transactions: they need those of their items.
 * Batches have actions of their own
 * (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html).
 * @param service prefix of the actions: `dynamodb`, which has the streams too, or `states`.
 * @param operation e.g. `TransactWriteItems`.
 * @param body of the request, parsed.
 * @returns one at least. What names no resource that this code can read is an action on `*`, which
 *   a policy of single resources does not allow.
 */
export const actionsOf = (
  service: 'dynamodb' | 'states',
  operation: string,
  body: unknown,
  place: Place,
): readonly Asked[] => {
  const found =
    service === 'states' ? [ofStates(operation, body)] : ofTables(operation, body, place);
  return found.length > 0 ? found : [{ action: `${service}:${operation}`, resource: '*' }];
};

const ofStates = (operation: string, body: unknown): Asked => ({
  action: `states:${operation}`,
  resource: textIn(body, 'stateMachineArn') ?? textIn(body, 'executionArn') ?? '*',
});

const ofTables = (operation: string, body: unknown, place: Place): Asked[] => {
  const action = `dynamodb:${operation}`;
  if (operation === 'TransactWriteItems' || operation === 'TransactGetItems')
    return listIn(body, 'TransactItems').flatMap((item) => ofTransactItem(item, place));
  if (operation === 'BatchWriteItem' || operation === 'BatchGetItem')
    return Object.keys(fieldOf(body, 'RequestItems') ?? {}).map((table) => ({
      action,
      resource: tableArn(table, place),
    }));
  if (operation === 'ExecuteStatement') return [ofStatement(body, place)];
  if (operation === 'BatchExecuteStatement')
    return listIn(body, 'Statements').map((it) => ofStatement(it, place));
  if (operation === 'ExecuteTransaction')
    return listIn(body, 'TransactStatements').map((it) => ofStatement(it, place));

  const stream = textIn(body, 'StreamArn') ?? textIn(body, 'ShardIterator');
  if (stream !== undefined) return [{ action, resource: streamArn(stream, place) }];
  const table = textIn(body, 'TableName');
  if (table === undefined) return [];
  const index = textIn(body, 'IndexName');
  const resource = tableArn(table, place);
  return [{ action, resource: index === undefined ? resource : `${resource}/index/${index}` }];
};

const ofTransactItem = (item: unknown, place: Place): Asked[] =>
  Object.entries(isObject(item) ? item : {}).map(([kind, what]) => ({
    action: `dynamodb:${transactActions[kind] ?? kind}`,
    resource: tableArn(textIn(what, 'TableName') ?? '', place),
  }));

const transactActions: Readonly<Record<string, string>> = {
  Get: 'GetItem',
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
};

/** A statement of PartiQL: its verb is the action, and its table may have an index behind a dot. */
const ofStatement = (statement: unknown, place: Place): Asked => {
  const [, verb = '', table, index] =
    /^\s*(?:EXISTS\s*\(\s*)?(SELECT|INSERT|UPDATE|DELETE)\b(?:.*?\bFROM\b|\s+INTO\b)?\s*"?([\w.-]+)"?(?:\s*\.\s*"?([\w-]+)"?)?/is.exec(
      textIn(statement, 'Statement') ?? '',
    ) ?? [];
  if (table === undefined) return { action: 'dynamodb:PartiQLSelect', resource: '*' };
  const name = verb.charAt(0).toUpperCase() + verb.slice(1).toLowerCase();
  const resource = tableArn(table, place);
  return {
    action: `dynamodb:PartiQL${name}`,
    resource: index === undefined ? resource : `${resource}/index/${index}`,
  };
};

/** A request may name a table by its ARN as well. */
const tableArn = (table: string, { region, accountId }: Place): string =>
  table.startsWith('arn:') ? table : `arn:aws:dynamodb:${region}:${accountId}:table/${table}`;

/**
 * The ARN of a stream as the template has it: DynamoDB Local has ARNs of its own, of which the
 * table's name alone is the same. An iterator begins with the ARN.
 */
const streamArn = (given: string, place: Place): string => {
  const table = /^arn:[^|]*:table\/([^/|]+)\/stream\//.exec(given)?.[1];
  return table === undefined ? '*' : `${tableArn(table, place)}/stream/local`;
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const fieldOf = (value: unknown, name: string): object | undefined => {
  const found = isObject(value) ? value[name] : undefined;
  return typeof found === 'object' && found !== null ? found : undefined;
};

const textIn = (value: unknown, name: string): string | undefined => {
  const found = isObject(value) ? value[name] : undefined;
  return typeof found === 'string' ? found : undefined;
};

const listIn = (value: unknown, name: string): readonly unknown[] => {
  const found = fieldOf(value, name);
  return Array.isArray(found) ? found : [];
};
