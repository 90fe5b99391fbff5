import { Validations } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  CfnStage,
  HttpApi,
  HttpMethod,
  HttpRoute,
  type HttpRouteIntegrationBindOptions,
  HttpRouteKey,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { StageName, StageSettings } from '../stages.ts';
import { definitionOf, functionNames, methodsByPath, type Route } from './catalogue.ts';
import type { Functions } from './functions.ts';
import { removalPolicyOf } from './removal-policy.ts';

/** What the API is made from: its routes lead to these functions. */
export interface LedgerHttpApiProps {
  readonly stage: StageName;
  readonly settings: StageSettings;
  readonly key: IKey | undefined;
  readonly functions: Functions;
  /** Whose tokens it takes; absent: it asks for none. */
  readonly tokens: Tokens | undefined;
}

/** The tokens that an API takes. */
export interface Tokens {
  readonly issuer: string;
  readonly audience: readonly string[];
}

/**
 * The HTTP API: every function of the catalogue that has a route, at that route; a GET route
 * answers HEAD as well. Every route but the public ones takes a token, which the API verifies; what
 * its bearer may do is for the functions to say.
 */
export class LedgerHttpApi extends Construct {
  readonly api: HttpApi;
  readonly url: string;

  constructor(
    scope: Construct,
    id: string,
    { stage, settings, key, functions, tokens }: LedgerHttpApiProps,
  ) {
    super(scope, id);
    this.api = new HttpApi(this, 'Api', {
      apiName: `holdfast-${stage}`,
      description: 'The Holdfast ledger',
      createDefaultStage: false,
    });
    const authorizer =
      tokens &&
      new HttpJwtAuthorizer('Tokens', tokens.issuer, { jwtAudience: [...tokens.audience] });
    const commandRoutes: CommandRoute[] = [];
    for (const name of functionNames) {
      const { route: asked, isPublic } = definitionOf(name);
      if (asked === undefined) continue;
      const integration = new FunctionIntegration(name, functions.get(name));
      for (const route of routeKeys(asked)) {
        const made = new HttpRoute(this, route, {
          httpApi: this.api,
          routeKey: routeKey(route),
          integration,
          ...(authorizer && !isPublic && { authorizer }),
        });
        if (CHANGES.test(route)) commandRoutes.push({ key: route, route: made });
      }
    }
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-APIG4',
      reason:
        'Health, the API’s own document, and what says that there is no such route or method show nothing of anybody. ' +
        'Where all routes are open, that was asked for by -c open=yes.',
    });

    const logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/vendedlogs/apis/holdfast-${stage}`,
      retention: settings.logRetentionDays,
      removalPolicy: removalPolicyOf(settings),
      ...(key && { encryptionKey: key }),
    });
    const { reads, commands } = settings.throttling;
    const apiStage = new HttpStage(this, 'Stage', {
      httpApi: this.api,
      autoDeploy: true,
      throttle: { rateLimit: reads.rate, burstLimit: reads.burst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(logGroup),
        format: AccessLogFormat.custom(JSON.stringify(accessLogLine)),
      },
    });
    this.url = apiStage.url;
    throttle(apiStage, commandRoutes, commands);
  }
}

/** The keys of routes that change something. */
const CHANGES = /^(?:POST|PUT|PATCH|DELETE) /;

/** A route that changes something. */
interface CommandRoute {
  readonly key: string;
  readonly route: HttpRoute;
}

/**
 * Bounds the requests of each of some routes. A stage names routes by their keys, which CloudFormation
 * does not see: it has to be told that they come first.
 */
const throttle = (
  { node }: HttpStage,
  routes: readonly CommandRoute[],
  { rate, burst }: StageSettings['throttling']['commands'],
): void => {
  const resource = node.defaultChild;
  if (!(resource instanceof CfnStage)) throw new Error(`${node.path} is no stage of an API`);
  resource.routeSettings = Object.fromEntries(
    routes.map(({ key }) => [key, { ThrottlingBurstLimit: burst, ThrottlingRateLimit: rate }]),
  );
  for (const { route } of routes) node.addDependency(route);
};

/**
 * A function behind one route or several. All of them call it by one permission, that of the first
 * route: for its path, whatever the method, or for any path where it is `$default`.
 */
class FunctionIntegration extends HttpLambdaIntegration {
  #isPermitted = false;

  protected override completeBind(options: HttpRouteIntegrationBindOptions): void {
    if (!this.#isPermitted) super.completeBind(options);
    this.#isPermitted = true;
  }
}

/**
 * One line per request. The functions' own logs, which have the same request id, name accounts and
 * transfers.
 */
const accessLogLine = {
  time: '$context.requestTime',
  requestId: '$context.requestId',
  ip: '$context.identity.sourceIp',
  route: '$context.routeKey',
  status: '$context.status',
  milliseconds: '$context.responseLatency',
  bytes: '$context.responseLength',
  error: '$context.integrationErrorMessage',
};

/**
 * The route keys by which the API takes a route's requests. For a method that a path does not
 * answer, `$default` would not learn the path: an ANY route, which comes after those of a method,
 * tells it.
 */
const routeKeys = (route: Route): readonly string[] => {
  if (route === '$default')
    return [route, ...Object.keys(methodsByPath).map((path) => `ANY ${path}`)];
  return route.startsWith('GET ') ? [route, route.replace('GET', 'HEAD')] : [route];
};

const methods = new Map(
  [HttpMethod.ANY, HttpMethod.GET, HttpMethod.HEAD, HttpMethod.PATCH, HttpMethod.POST].map(
    (method) => [`${method}`, method],
  ),
);

function routeKey(key: string): HttpRouteKey {
  if (key === '$default') return HttpRouteKey.DEFAULT;
  const [method = '', path = ''] = key.split(' ');
  const known = methods.get(method);
  if (known === undefined) throw new Error(`The API takes no ${method}: ${key}`);
  return HttpRouteKey.with(path, known);
}
