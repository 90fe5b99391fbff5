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

it.each(['GET', 'POST'] as const)('any other route is answered 404, with the path: %s', async (method) => {
  const answer = await send(routeNotFound({ telemetry }), { method, route: '/nowhere', rawBody: 'not even JSON' });
  expect(answer).toMatchObject({ status: 404, body: { code: 'route_not_found', instance: '/nowhere' } });
});
