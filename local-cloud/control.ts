import type { IncomingHttpHeaders } from 'node:http';
import * as z from 'zod/mini';
import type { HttpAnswer } from './api-gateway/response.ts';
import type { SideDoor } from './api-gateway/server.ts';
import { type Endpoint, type Interceptor, writeOperations } from './endpoint.ts';
import { isLoopback } from './iam/loopback.ts';
import type { Issuer } from './identity/issuer.ts';
import { giveToken } from './identity/token-door.ts';
import type { RunningFunction } from './lambda/function.ts';
import type { StepFunctions } from './step-functions/endpoint.ts';

/**
 * The header that every request for `/_local` has: an operator's tool sends it, and no page in a
 * browser can. Names that begin with `sec-` are the browser's own
 * (https://fetch.spec.whatwg.org/#forbidden-request-header).
 */
const OPERATOR_HEADER = 'sec-local';

/** What the control endpoints act on. */
export interface Controlled {
  readonly functions: ReadonlyMap<string, RunningFunction>;
  readonly intercept: Endpoint['intercept'];
  readonly execution: StepFunctions['execution'];
  /** Whose tokens the API takes; absent: it takes none. */
  readonly issuer?: Issuer | undefined;
  /** What runs where: plain JSON. */
  overview(): unknown;
}

/**
 * `/_local`, beside the API on its port. It exists on this machine only:
 *
 * - `GET /_local`: what runs where.
 * - `GET /_local/executions/NAME`: the workflow's last execution of that name, with its history.
 * - `POST /_local/kill` `{"function":"carry-out-transfers","when":"after-next-write"}`: ends that
 *   function's workers as a crash would: `now` (the default), or before or after its next write to
 *   a table.
 * - `POST /_local/token` `{"sub":"alice","scope":"ledger:read ledger:write"}`: a token of the issuer,
 *   whose address is `/_local`: its documents are under `/_local/.well-known/`.
 * - `POST /_local/invoke` `{"function":"rebuild-views","event":{"accounts":["alice"]}}`: invokes that
 *   function as an operator would, and answers what it returned, or 502 with its error.
 *
 * A page in a browser on this machine must not get at them: what comes from one has an `Origin`,
 * or the name of the page's own host, or a content type that a page may send without asking first,
 * and never has the header `sec-local: yes`.
 */
export const createControl =
  (controlled: Controlled): SideDoor =>
  ({ method, target, body, headers }) => {
    const path = target.split('?')[0] ?? '';
    if (path !== '/_local' && !path.startsWith('/_local/')) return undefined;
    // What anybody may know, and who looks for it knows of no header: the issuer's keys.
    const document = method === 'GET' && controlled.issuer?.document(path.slice('/_local'.length));
    if (document) return Promise.resolve(json(200, document));
    const refusal = refuse(method, headers);
    if (refusal) return Promise.resolve(refusal);
    if (path === '/_local' && method === 'GET')
      return Promise.resolve(json(200, controlled.overview()));
    if (path.startsWith(EXECUTIONS) && method === 'GET')
      return Promise.resolve(tellExecution(controlled, path.slice(EXECUTIONS.length)));
    if (path === '/_local/token' && method === 'POST') return token(controlled, body);
    if (path === '/_local/kill' && method === 'POST') return kill(controlled, body);
    if (path === '/_local/invoke' && method === 'POST') return invoke(controlled, body);
    return Promise.resolve(
      json(404, {
        message:
          'There is GET /_local, GET /_local/executions/NAME, GET /_local/.well-known/openid-configuration, POST /_local/token, ' +
          'POST /_local/kill and POST /_local/invoke',
      }),
    );
  };

/** Refuses what a page in a browser may have sent. */
const refuse = (method: string, headers: IncomingHttpHeaders): HttpAnswer | undefined => {
  if (headers.origin !== undefined)
    return json(403, { message: 'A web page may not ask this: there is an Origin' });
  if (!isLoopback(headers.host))
    return json(403, { message: `Host is "${headers.host}", not this machine's loopback address` });
  if (headers[OPERATOR_HEADER] !== 'yes')
    return json(403, { message: `Needs the header ${OPERATOR_HEADER}: yes` });
  if (method === 'POST' && !/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? ''))
    return json(415, { message: 'Needs content-type: application/json' });
  return undefined;
};

const EXECUTIONS = '/_local/executions/';

const tellExecution = ({ execution }: Controlled, name: string): HttpAnswer => {
  const found = execution(name);
  return found ? json(200, found) : json(404, { message: `There is no execution "${name}"` });
};

const token = async ({ issuer }: Controlled, body: Buffer): Promise<HttpAnswer> => {
  const answer = await giveToken(issuer, parseJson(body));
  return json(answer.status, answer.body);
};

const killShape = z.strictObject({
  function: z.string(),
  when: z._default(z.enum(['now', 'before-next-write', 'after-next-write']), 'now'),
});

const kill = async ({ functions, intercept }: Controlled, body: Buffer): Promise<HttpAnswer> => {
  const order = killShape.safeParse(parseJson(body));
  if (!order.success)
    return json(400, {
      message: 'Needs {"function": NAME, "when": "now" | "before-next-write" | "after-next-write"}',
    });

  const { function: name, when } = order.data;
  const target = findFunction(functions, name);
  if (!target) return noFunction(functions, name);
  if (when === 'now') {
    const workers = target.workers();
    await target.kill();
    return json(200, { function: target.name, when, workersEnded: workers });
  }
  const remove = intercept(killAroundWrite(target, when, () => remove()));
  return json(202, { function: target.name, when });
};

const invokeShape = z.strictObject({ function: z.string(), event: z.unknown() });

const invoke = async ({ functions }: Controlled, body: Buffer): Promise<HttpAnswer> => {
  const order = invokeShape.safeParse(parseJson(body));
  if (!order.success) return json(400, { message: 'Needs {"function": NAME, "event": JSON}' });
  const target = findFunction(functions, order.data.function);
  if (!target) return noFunction(functions, order.data.function);
  const invocation = await target.invoke(order.data.event);
  return invocation.ok ? json(200, invocation.payload ?? null) : json(502, invocation);
};

const noFunction = (functions: Controlled['functions'], name: string): HttpAnswer =>
  json(404, { message: `There is no function "${name}"`, functions: [...functions.keys()] });

const killAroundWrite = (
  target: RunningFunction,
  when: 'before-next-write' | 'after-next-write',
  disarm: () => void,
): Interceptor => {
  let armed = true;
  return async (call, forward) => {
    if (!armed || call.functionName !== target.name || !writeOperations.has(call.operation))
      return forward();
    armed = false;
    if (when === 'after-next-write') {
      const response = await forward();
      if (response.status !== 200) {
        // DynamoDB refused and wrote nothing: the next write counts.
        armed = true;
        return response;
      }
    }
    disarm();
    await target.kill();
    throw new Error(`${target.name} was killed`);
  };
};

/**
 * Finds a function by its whole name, or by an ending that only one has: `settle-transfer` for
 * `holdfast-dev-settle-transfer`.
 */
const findFunction = (
  functions: ReadonlyMap<string, RunningFunction>,
  name: string,
): RunningFunction | undefined => {
  const ending = [...functions.values()].filter((candidate) => candidate.name.endsWith(`-${name}`));
  return functions.get(name) ?? (ending.length === 1 ? ending[0] : undefined);
};

const parseJson = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
};

const json = (status: number, value: unknown): HttpAnswer => ({
  status,
  headers: [['content-type', 'application/json']],
  body: Buffer.from(`${JSON.stringify(value, null, 2)}\n`),
});
