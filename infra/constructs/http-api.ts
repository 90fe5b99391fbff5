import { Validations } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  HttpApi,
  HttpMethod,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { StageName, StageSettings } from '../stages.ts';
import { definitionOf, functionNames, type Route } from './catalogue.ts';
import type { Functions } from './functions.ts';
import { removalPolicyOf } from './removal-policy.ts';

/** Whose functions the API's routes lead to. */
export interface LedgerHttpApiProps {
  readonly stage: StageName;
  readonly settings: StageSettings;
  readonly functions: Functions;
}

/** The HTTP API: every function of the catalogue that has a route, at that route. */
export class LedgerHttpApi extends Construct {
  readonly api: HttpApi;
  readonly url: string;

  constructor(scope: Construct, id: string, { stage, settings, functions }: LedgerHttpApiProps) {
    super(scope, id);
    this.api = new HttpApi(this, 'Api', {
      apiName: `holdfast-${stage}`,
      description: 'The Holdfast ledger',
      createDefaultStage: false,
    });
    for (const name of functionNames) {
      const { route } = definitionOf(name);
      if (route === undefined) continue;
      new HttpRoute(this, route, {
        httpApi: this.api,
        routeKey: routeKey(route),
        integration: new HttpLambdaIntegration(name, functions.get(name)),
      });
    }
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-APIG4',
      reason:
        'Callers are told apart by the HTTP middleware of the functions, so that it is the same on one machine. ' +
        'As long as that takes every caller for `local`, a stage is not deployed unless it may be open.',
    });

    const logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/vendedlogs/apis/holdfast-${stage}`,
      retention: settings.logRetentionDays,
      removalPolicy: removalPolicyOf(settings),
    });
    const { rate, burst } = settings.throttling;
    this.url = new HttpStage(this, 'Stage', {
      httpApi: this.api,
      autoDeploy: true,
      throttle: { rateLimit: rate, burstLimit: burst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(logGroup),
        format: AccessLogFormat.custom(JSON.stringify(accessLogLine)),
      },
    }).url;
  }
}

/** One line per request. Accounts and transfers are named by the functions' own logs, which have the same request id. */
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

const methods = { GET: HttpMethod.GET, POST: HttpMethod.POST };

function routeKey(route: Route): HttpRouteKey {
  if (route === '$default') return HttpRouteKey.DEFAULT;
  const space = route.indexOf(' ');
  return HttpRouteKey.with(route.slice(space + 1), methods[route.startsWith('GET') ? 'GET' : 'POST']);
}
