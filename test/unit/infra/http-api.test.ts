import { Template } from 'aws-cdk-lib/assertions';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { describe, expect, it } from 'vitest';
import { settingsOf } from '../../../infra/stages.ts';
import { createApp } from '../../../infra/synth.ts';
import { synthesized } from './synthesized.ts';

const resources = synthesized('dev');
const ofType = (type: string) =>
  resources.filter((resource) => resource.type === `AWS::ApiGatewayV2::${type}`);

const routes = {
  'POST /accounts': 'open-account',
  'GET /accounts': 'list-accounts',
  'PATCH /accounts/{accountId}': 'amend-account',
  'POST /accounts/{accountId}/freeze': 'freeze-account',
  'POST /accounts/{accountId}/unfreeze': 'unfreeze-account',
  'POST /accounts/{accountId}/close': 'close-account',
  'POST /accounts/{accountId}/deposits': 'deposit',
  'POST /accounts/{accountId}/withdrawals': 'withdraw',
  'POST /transfers': 'request-transfer',
  'POST /transfers/{transferId}/capture': 'capture-transfer',
  'POST /transfers/{transferId}/void': 'void-transfer',
  'POST /transfers/{transferId}/reversal': 'reverse-transfer',
  'POST /postings': 'create-posting',
  'POST /bulk': 'bulk',
  'GET /accounts/{accountId}': 'get-account',
  'GET /accounts/{accountId}/entries': 'list-entries',
  'GET /accounts/{accountId}/statement': 'get-statement',
  'GET /postings/{postingId}': 'get-posting',
  'GET /accounts/{accountId}/transfers': 'list-transfers',
  'GET /transfers/{transferId}': 'get-transfer',
  'GET /accounts/{accountId}/commands/{commandId}': 'get-command',
  'GET /health': 'health',
  'GET /openapi.json': 'openapi',
  'GET /docs': 'docs',
  $default: 'route-not-found',
};

/**
 * A GET is answered to HEAD as well, and what a path does not answer by the function that says what
 * it does.
 */
const paths = new Set(Object.keys(routes).flatMap((route) => route.split(' ')[1] ?? []));
const allRoutes = {
  ...routes,
  ...Object.fromEntries(
    Object.entries(routes).flatMap(([route, name]) =>
      route.startsWith('GET') ? [[route.replace('GET', 'HEAD'), name]] : [],
    ),
  ),
  ...Object.fromEntries([...paths].map((path) => [`ANY ${path}`, 'route-not-found'])),
};

describe('the HTTP API', () => {
  it('tells that function which methods each path answers', () => {
    const { properties } =
      resources.find(({ name }) => name === 'holdfast-dev-route-not-found') ?? {};
    const { METHODS_BY_PATH } = Object(Object(properties?.['Environment'])['Variables']);
    const told = Object.entries(JSON.parse(METHODS_BY_PATH)).map(([path, methods]) => [
      path,
      methods,
    ]);
    expect(told).toEqual(
      [...paths].map((path) => [
        path,
        ['GET', 'HEAD', 'PATCH', 'POST'].filter((method) => `${method} ${path}` in allRoutes),
      ]),
    );
  });

  it('may call route-not-found on any path', () => {
    const permission = resources.find(
      ({ type, properties }) =>
        type === 'AWS::Lambda::Permission' &&
        properties['FunctionName'] === 'holdfast-dev-route-not-found.Arn',
    );
    expect(permission?.properties['SourceArn']).toMatch(/\/\*\/\*$/);
  });

  it('leads every request of the contract to its function, and every other to route-not-found', () => {
    const found = ofType('Route').map(({ properties }) => [
      properties['RouteKey'],
      targetOf(properties['Target']),
    ]);

    expect(Object.fromEntries(found)).toEqual(
      Object.fromEntries(
        Object.entries(allRoutes).map(([route, name]) => [route, `holdfast-dev-${name}.Arn`]),
      ),
    );
  });

  it('takes a token on every route but those that show nothing of anybody', () => {
    const open = ofType('Route')
      .filter(({ properties }) => properties['AuthorizationType'] !== 'JWT')
      .map(({ properties }) => String(properties['RouteKey']));
    expect(open.toSorted()).toEqual(
      [
        ...['$default', 'GET /health', 'HEAD /health', 'GET /openapi.json', 'HEAD /openapi.json'],
        ...['GET /docs', 'HEAD /docs'],
        ...[...paths].map((path) => `ANY ${path}`),
      ].toSorted(),
    );
    expect(ofType('Authorizer').map(({ properties }) => properties)).toMatchObject([
      { AuthorizerType: 'JWT', IdentitySource: ['$request.header.Authorization'] },
    ]);
  });

  it('takes the tokens of any provider that its stage names, with the scopes as that calls them', () => {
    const identity = {
      issuer: 'https://issuer.example/',
      audience: ['ledger'],
      scopes: { 'bank.read': 'ledger:read' },
    } as const;
    const other = synthesized('dev', { identity });
    const [authorizer] = other.filter(({ type }) => type === 'AWS::ApiGatewayV2::Authorizer');
    expect(authorizer?.properties['JwtConfiguration']).toEqual({
      Audience: ['ledger'],
      Issuer: 'https://issuer.example/',
    });
    expect(other.filter(({ type }) => type.startsWith('AWS::Cognito'))).toEqual([]);
    const { properties } = other.find(({ name }) => name === 'holdfast-dev-deposit') ?? {};
    expect(Object(properties?.['Environment'])['Variables']).toMatchObject({
      CALLERS: 'token',
      SCOPES: '{"bank.read":"ledger:read"}',
    });
  });

  it.each([
    ['IdentityUsersCustomers', ['read', 'write']],
    ['IdentityUsersTellers', ['deposit']],
    ['IdentityUsersOperators', ['read', 'write', 'deposit', 'operate']],
  ])('lets %s have these scopes and no more, whoever signs in: %j', (name, scopes) => {
    const client = resources.find((resource) => resource.name === name);
    const found = [client?.properties['AllowedOAuthScopes']].flat().map((scope) => String(scope));
    expect(found.map((scope) => scope.split('.').at(-1))).toEqual(scopes);
    expect(client?.properties['GenerateSecret'] ?? false).toBe(name !== 'IdentityUsersCustomers');
  });

  it.each(ofType('Integration'))('$name passes payload 2.0 to a function', ({ properties }) => {
    expect(properties).toMatchObject({ IntegrationType: 'AWS_PROXY', PayloadFormatVersion: '2.0' });
  });

  it.each(Object.entries(routes))('may call the function of %s', (_route, name) => {
    const permissions = resources.filter(
      ({ type, properties }) =>
        type === 'AWS::Lambda::Permission' &&
        properties['FunctionName'] === `holdfast-dev-${name}.Arn` &&
        properties['Principal'] === 'apigateway.amazonaws.com',
    );

    expect(permissions).toHaveLength(1);
  });

  it.each(['dev', 'prod'] as const)(
    'bounds each route that changes something by itself, all others together, in %s',
    (stage) => {
      const { reads, commands } = settingsOf(stage).throttling;
      const [made] = synthesized(stage).filter(({ type }) => type === 'AWS::ApiGatewayV2::Stage');
      expect(made?.properties).toMatchObject({
        DefaultRouteSettings: {
          ThrottlingRateLimit: reads.rate,
          ThrottlingBurstLimit: reads.burst,
        },
      });
      expect(made?.properties['RouteSettings']).toEqual(
        Object.fromEntries(
          Object.keys(routes)
            .filter((route) => /^(?:POST|PUT|PATCH|DELETE) /.test(route))
            .map((route) => [
              route,
              { ThrottlingRateLimit: commands.rate, ThrottlingBurstLimit: commands.burst },
            ]),
        ),
      );
    },
  );

  it('is made after the routes that it bounds: API Gateway refuses to bound one that is not there', () => {
    const template = Template.fromStack(
      createApp({ stage: 'dev', code: () => Code.fromInline('exports.handler = () => {}') }).stack,
    );
    const [stage] = Object.values(template.findResources('AWS::ApiGatewayV2::Stage'));
    const bounded = Object.keys(Object(stage?.['Properties']).RouteSettings);
    const made = Object.entries(template.findResources('AWS::ApiGatewayV2::Route'));
    const after: unknown[] = stage?.['DependsOn'];
    const madeBefore = made
      .filter(([id]) => after.includes(id))
      .map(([, { Properties }]) => Properties.RouteKey);
    expect(madeBefore.sort()).toEqual(bounded.sort());
  });

  it('is throttled, and writes a line about every request, without a body', () => {
    const [stage, ...others] = ofType('Stage');

    expect(others).toEqual([]);
    expect(stage?.properties).toMatchObject({
      StageName: '$default',
      AutoDeploy: true,
      DefaultRouteSettings: { ThrottlingRateLimit: 2_000, ThrottlingBurstLimit: 2_000 },
      AccessLogSettings: { DestinationArn: '/aws/vendedlogs/apis/holdfast-dev.Arn' },
    });
    const format = String(Object(stage?.properties['AccessLogSettings'])['Format']);
    expect(JSON.parse(format)).toMatchObject({
      requestId: '$context.requestId',
      status: '$context.status',
    });
  });
});

function targetOf(target: unknown): unknown {
  const integration = ofType('Integration').find(({ name }) => target === `integrations/${name}`);
  return integration?.properties['IntegrationUri'];
}
