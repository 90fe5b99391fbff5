import { expect, it } from 'vitest';
import { createHandler as health } from '../../../functions/queries/health.ts';
import { createHandler as openapi } from '../../../functions/queries/openapi.ts';
import { createHandler as routeNotFound } from '../../../functions/queries/route-not-found.ts';
import { send } from '../http/request.ts';
import { silentHttpTelemetry as telemetry } from '../runtime/recorded-telemetry.ts';

it('health is answered 200, whatever a load balancer adds to its request', async () => {
  const answer = await send(health({ telemetry }), { route: '/health', query: { t: '1' } });
  expect(answer).toMatchObject({ status: 200, body: { status: 'ok' } });
});

it('the OpenAPI document is answered 200', async () => {
  expect(await send(openapi({ telemetry }), { route: '/openapi.json' })).toMatchObject({
    status: 200,
    body: { openapi: '3.1.1' },
  });
});

const methodsByPath = { '/accounts': ['POST'], '/accounts/{accountId}': ['GET', 'HEAD'] };

it.each(['GET', 'POST'] as const)(
  'any other path is answered 404, with the path: %s',
  async (method) => {
    const routes = routeNotFound({ methodsByPath, telemetry });
    const answer = await send(routes, { method, route: '/nowhere', rawBody: 'not even JSON' });
    expect(answer).toMatchObject({
      status: 404,
      body: { code: 'route_not_found', instance: '/nowhere' },
    });
    expect(answer.headers).not.toHaveProperty('Allow');
  },
);

it.each([
  ['/accounts', 'POST'],
  ['/accounts/{accountId}', 'GET, HEAD'],
])('any other method of %s is answered 405, with those that it answers', async (route, allow) => {
  const routes = routeNotFound({ methodsByPath, telemetry });
  const answer = await send(routes, {
    method: 'ANY',
    route,
    path: { accountId: 'a1' },
    rawBody: 'not even JSON',
  });
  expect(answer).toMatchObject({
    status: 405,
    headers: { Allow: allow },
    body: { code: 'method_not_allowed' },
  });
});
