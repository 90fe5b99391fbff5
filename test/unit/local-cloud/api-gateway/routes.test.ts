import { describe, expect, it } from 'vitest';
import { createRouter } from '../../../../local-cloud/api-gateway/routes.ts';

/** The routes of API Gateway's own example, and a few that differ in one thing only. */
const routeKeys = [
  '$default',
  'ANY /{proxy+}',
  'GET /pets/{proxy+}',
  'GET /pets/dog/{id}',
  'GET /pets/dog/1',
  'ANY /pets/dog/{id}',
  'POST /accounts/{accountId}/deposits',
  'GET /accounts/{accountId}',
  'GET /accounts/{accountId}/{list}',
  'GET /accounts/{accountId}/entries',
];

const withoutGreedy = routeKeys.filter((key) => !key.includes('+'));

interface Case {
  readonly method: string;
  readonly path: string;
  readonly goesTo: string | undefined;
  readonly pathParameters?: Record<string, string>;
  readonly routes?: readonly string[];
}

const cases: readonly Case[] = [
  { method: 'GET', path: '/pets/dog/1', goesTo: 'GET /pets/dog/1' },
  { method: 'GET', path: '/pets/dog/2', goesTo: 'GET /pets/dog/{id}', pathParameters: { id: '2' } },
  { method: 'PUT', path: '/pets/dog/2', goesTo: 'ANY /pets/dog/{id}', pathParameters: { id: '2' } },
  {
    method: 'GET',
    path: '/pets/cat/1',
    goesTo: 'GET /pets/{proxy+}',
    pathParameters: { proxy: 'cat/1' },
  },
  { method: 'POST', path: '/test/5', goesTo: 'ANY /{proxy+}', pathParameters: { proxy: 'test/5' } },
  { method: 'GET', path: '/', goesTo: '$default' },
  { method: 'GET', path: '/pets/', goesTo: 'ANY /{proxy+}', pathParameters: { proxy: 'pets/' } },
  {
    method: 'GET',
    path: '/accounts/a1/entries',
    goesTo: 'GET /accounts/{accountId}/entries',
    pathParameters: { accountId: 'a1' },
  },
  {
    method: 'GET',
    path: '/accounts/a1/x',
    goesTo: 'GET /accounts/{accountId}/{list}',
    pathParameters: { accountId: 'a1', list: 'x' },
  },
  {
    method: 'GET',
    path: '/accounts/a%20b',
    goesTo: 'GET /accounts/{accountId}',
    pathParameters: { accountId: 'a b' },
  },
  {
    method: 'GET',
    path: '/accounts/a%2Fb',
    goesTo: 'GET /accounts/{accountId}',
    pathParameters: { accountId: 'a/b' },
  },
  { method: 'GET', path: '/accounts/a1/', goesTo: '$default', routes: withoutGreedy },
  { method: 'GET', path: '/accounts/', goesTo: '$default', routes: withoutGreedy },
  { method: 'GET', path: '/accounts//entries', goesTo: '$default', routes: withoutGreedy },
  { method: 'DELETE', path: '/accounts/a1', goesTo: '$default', routes: withoutGreedy },
  {
    method: 'DELETE',
    path: '/accounts/a1',
    goesTo: undefined,
    routes: ['GET /accounts/{accountId}'],
  },
];

describe('createRouter', () => {
  it.each(cases)(
    'sends $method $path to $goesTo',
    ({ method, path, goesTo, pathParameters, routes = routeKeys }) => {
      const findRoute = createRouter(routes.map((routeKey) => ({ routeKey, target: routeKey })));
      const match = findRoute(method, path);
      expect(match?.target).toBe(goesTo);
      if (match) expect(match.pathParameters).toEqual(pathParameters ?? {});
    },
  );

  it('throws a URIError for a path variable that cannot be decoded', () => {
    const findRoute = createRouter([{ routeKey: 'GET /accounts/{accountId}', target: 1 }]);
    expect(() => findRoute('GET', '/accounts/%E0%A4%A')).toThrow(URIError);
  });
});
