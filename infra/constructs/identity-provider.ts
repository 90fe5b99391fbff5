import { Aws, Duration, Validations } from 'aws-cdk-lib';
import {
  AccountRecovery,
  Mfa,
  OAuthScope,
  ResourceServerScope,
  UserPool,
  type UserPoolClient,
  UserPoolDomain,
  UserPoolResourceServer,
} from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';
import { type Scope, scopes } from '../../functions/http/identity/scope.ts';
import type { CognitoSettings, StageName, StageSettings } from '../stages.ts';
import { removalPolicyOf } from './removal-policy.ts';

/** What the pool is made from. */
export interface IdentityProviderProps {
  readonly stage: StageName;
  readonly settings: StageSettings;
  readonly cognito: CognitoSettings;
}

/** What each scope lets a caller do; Cognito's console shows it. */
const descriptions: Readonly<Record<Scope, string>> = {
  'ledger:read': 'Read the accounts and transfers that are the caller’s',
  'ledger:write': 'Open accounts, and move money from the caller’s',
  'ledger:deposit': 'Pay money in from outside',
  'ledger:operate': 'Everything, on every account',
};

/** The resource server's part of a scope's name. */
const RESOURCE_SERVER = 'holdfast';

/** Cognito allows no colon beside a slash in a scope that reads well. */
const cognitoName = (scope: Scope): string => scope.replace(':', '.');

/** Our scopes, by the names that Cognito's tokens have for them. */
export const cognitoScopes: Readonly<Record<string, Scope>> = Object.fromEntries(
  scopes.map((scope) => [`${RESOURCE_SERVER}/${cognitoName(scope)}`, scope]),
);

/**
 * The identity provider of a stage that names no other: a Cognito user pool.
 *
 * Cognito gives a client every scope that the client may ask for, whoever signs in. So customers and
 * operators have clients of their own: one that customers use can never get a token that deposits or
 * operates.
 */
export class IdentityProvider extends Construct {
  readonly issuer: string;
  /** The ids of its clients: the `client_id` of their tokens. */
  readonly audience: readonly string[];

  constructor(scope: Construct, id: string, { stage, settings, cognito }: IdentityProviderProps) {
    super(scope, id);
    const pool = new UserPool(this, 'Users', {
      userPoolName: `holdfast-${stage}`,
      // Who may have money here is not for the internet to say.
      selfSignUpEnabled: false,
      signInAliases: { email: true },
      accountRecovery: AccountRecovery.EMAIL_ONLY,
      mfa: Mfa.REQUIRED,
      mfaSecondFactor: { otp: true, sms: false },
      passwordPolicy: {
        minLength: 12,
        requireDigits: true,
        requireLowercase: true,
        requireSymbols: true,
        requireUppercase: true,
      },
      deletionProtection: settings.protectData,
      removalPolicy: removalPolicyOf(settings),
    });
    const reason =
      'The Plus plan, and with it threat protection, is paid by user. Every sign-in takes a second factor.';
    Validations.of(pool).acknowledge(
      { id: 'AwsSolutions-COG3', reason },
      { id: 'AwsSolutions-COG8', reason },
    );
    new UserPoolDomain(this, 'Domain', {
      userPool: pool,
      // Unique in a region, over all accounts.
      cognitoDomain: { domainPrefix: `holdfast-${stage}-${Aws.ACCOUNT_ID}` },
    });
    const own = new Map(
      scopes.map((name) => [
        name,
        new ResourceServerScope({
          scopeName: cognitoName(name),
          scopeDescription: descriptions[name],
        }),
      ]),
    );
    const server = new UserPoolResourceServer(this, 'Scopes', {
      userPool: pool,
      identifier: RESOURCE_SERVER,
      scopes: [...own.values()],
    });
    const scopesOf = (...names: readonly Scope[]): OAuthScope[] =>
      [...own]
        .filter(([name]) => names.includes(name))
        .map(([, scope]) => OAuthScope.resourceServer(server, scope));
    const tokens = {
      accessTokenValidity: Duration.minutes(60),
      enableTokenRevocation: true,
      preventUserExistenceErrors: true,
    };
    const clients: UserPoolClient[] = [
      pool.addClient('Operators', {
        ...tokens,
        generateSecret: true,
        oAuth: { flows: { clientCredentials: true }, scopes: scopesOf(...scopes) },
      }),
      pool.addClient('Tellers', {
        ...tokens,
        generateSecret: true,
        oAuth: { flows: { clientCredentials: true }, scopes: scopesOf('ledger:deposit') },
      }),
    ];
    if (cognito.callbackUrls.length > 0) {
      clients.push(
        pool.addClient('Customers', {
          ...tokens,
          oAuth: {
            flows: { authorizationCodeGrant: true },
            scopes: scopesOf('ledger:read', 'ledger:write'),
            callbackUrls: [...cognito.callbackUrls],
          },
        }),
      );
    }
    this.issuer = pool.userPoolProviderUrl;
    this.audience = clients.map((client) => client.userPoolClientId);
  }
}
