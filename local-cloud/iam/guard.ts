import type { DynamoDbAnswer } from '../dynamodb/answer.ts';
import type { Access } from './access.ts';
import { actionsOf, type Place } from './actions.ts';
import type { Principal } from './request.ts';

/** A request of a function to a service. */
interface Call {
  readonly functionName: string;
  readonly service: 'dynamodb' | 'states';
  readonly operation: string;
  /** JSON. */
  readonly body: Buffer;
}

/** @returns the answer to a request that is refused; `undefined`: it may pass. */
export type Guard = (call: Call) => DynamoDbAnswer | undefined;

/** Who may do what, and where. */
export interface GuardOptions {
  readonly access: Access;
  readonly place: Place;
  /** The role that a function acts under. @param functionName one of the template's. */
  readonly principalOf: (functionName: string) => Principal;
  /** The names of the tables in which nobody may change or delete an item. */
  readonly appendOnly: ReadonlySet<string>;
  /** Told of every request that is refused. */
  readonly report: (line: string) => void;
}

/**
 * Holds every request of a function to its role, and each item of a transaction by itself: what one
 * of them is refused, all are.
 */
export const createGuard =
  ({ access, place, principalOf, appendOnly, report }: GuardOptions): Guard =>
  (call) => {
    const { functionName, service, operation } = call;
    const body = parse(call.body);
    if (body === undefined) return answer('SerializationException', 'The request is no JSON');
    const principal = principalOf(functionName);
    for (const asked of actionsOf(service, operation, body, place)) {
      const refusal = access.refusal({ principal, ...asked });
      if (refusal !== undefined) {
        report(`${functionName}: ${refusal}`);
        return accessDenied(service, refusal);
      }
    }
    if (service !== 'dynamodb' || appendOnly.size === 0) return undefined;
    const overwriting = unconditionalPuts(operation, body).find((it) => appendOnly.has(it));
    if (overwriting === undefined) return undefined;
    const message =
      `A Put into ${overwriting} has no condition: it would overwrite what stands there, where nobody may change anything. ` +
      'AWS would carry it out, since IAM cannot tell it from an append: give it a ConditionExpression.';
    report(`${functionName}: ${message}`);
    return answer('HoldfastLocal#UnconditionalPut', message);
  };

/** The tables into which a request puts an item, whatever stands in its place. */
const unconditionalPuts = (operation: string, body: unknown): string[] => {
  const puts =
    operation === 'PutItem'
      ? [body]
      : operation === 'TransactWriteItems'
        ? itemsIn(body).map((item) => fieldOf(item, 'Put'))
        : [];
  return puts
    .filter((put) => fieldOf(put, 'ConditionExpression') === undefined)
    .map((put) => String(fieldOf(put, 'TableName')).replace(/^arn:.*:table\//, ''));
};

const itemsIn = (body: unknown): readonly unknown[] => {
  const items = fieldOf(body, 'TransactItems');
  return Array.isArray(items) ? items : [];
};

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;

/** @returns `undefined` for what is no JSON. */
const parse = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString()) ?? {};
  } catch {
    return undefined;
  }
};

/** In the form of either service: DynamoDB's errors have a namespace. */
const accessDenied = (service: Call['service'], message: string): DynamoDbAnswer =>
  answer(
    service === 'dynamodb'
      ? 'com.amazon.coral.service#AccessDeniedException'
      : 'AccessDeniedException',
    message,
    'Message',
  );

const answer = (type: string, message: string, field = 'message'): DynamoDbAnswer => ({
  status: 400,
  headers: { 'content-type': 'application/x-amz-json-1.0' },
  body: Buffer.from(JSON.stringify({ __type: type, [field]: message })),
});
