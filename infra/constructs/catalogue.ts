/**
 * A resource that a function may use: a table, its stream or an index of it, the workflow or its
 * executions, the dead letters.
 */
export type Resource =
  | 'events'
  | 'events/stream'
  | 'commands'
  | 'queue'
  | 'queue/stream'
  | 'views'
  | 'views/openTransfers'
  | 'views/accountsByOwner'
  | 'workflow'
  | 'workflow/executions'
  | 'dead-letters'
  /** For actions that know no resources. */
  | '*';

/**
 * Everything a function may do: IAM actions, per resource. A transaction needs the actions of its
 * items.
 */
export type Access = Readonly<Partial<Record<Resource, readonly string[]>>>;

/**
 * The functions that belong together: their logic lies in one folder, and they share their alarms.
 */
export type FunctionGroup = (typeof functionGroups)[number];

export const functionGroups = [
  'accounts',
  'commands',
  'queries',
  'service',
  'projections',
  'transfers',
] as const;

/**
 * A route of the HTTP API. A GET route takes HEAD as well; `$default` takes every request that no
 * other route takes, other methods of their paths included.
 */
export type Route = ClientRoute | '$default';

/** A route that a client asks for by its name. */
export type ClientRoute = `${'GET' | 'PATCH' | 'POST'} /${string}`;

/** One Lambda function: its code, its size and all that it may do. */
export interface FunctionDefinition {
  readonly group: FunctionGroup;
  /** What it is for; the console shows this. */
  readonly description: string;
  /** The route of the HTTP API that it answers, if any. */
  readonly route?: Route;
  /** Whether anybody may ask that route, without a token. */
  readonly isPublic?: true;
  /** Whether it is asked for so seldom that it gains nothing from environments that are always there. */
  readonly isRare?: true;
  readonly access: Access;
  /**
   * What it may do besides where an environment takes many requests at once: what several of them
   * look up at the same time is one request.
   */
  readonly sharedAccess?: Access;
  /** In seconds. Functions behind the HTTP API stay under the 30 seconds that it waits. */
  readonly timeout: number;
  /** In MiB. Lambda gives processor time in proportion: 1,769 is one processor. */
  readonly memory: number;
}

/**
 * The access for deciding a command: load the tail with one query, append, and record the outcome;
 * where its key is taken, read its record. A commit or a record is never updated or deleted.
 */
const decide = {
  events: ['dynamodb:Query', 'dynamodb:PutItem'],
  commands: ['dynamodb:PutItem', 'dynamodb:GetItem'],
} as const satisfies Access;

/**
 * The access for deciding a command that may queue for a hot account: it takes a place in the queue
 * with its pending record, the function reads that until it is decided, and decides the command
 * itself where decide-pending does not in time.
 */
const decideOrQueue = { ...decide, queue: ['dynamodb:PutItem'] } as const satisfies Access;

/** The access for looking up several records in one request. */
const lookTogether = ['dynamodb:BatchGetItem'] as const;

/** The records of commands that wait in the queue at the same time. */
const waitTogether = { commands: lookTogether } as const satisfies Access;

/**
 * The access that Lambda needs in the name of a function that reads a stream: it polls the stream,
 * and reports the records that it gives up.
 */
const consume = (stream: 'events/stream' | 'queue/stream'): Access => ({
  [stream]: ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'],
  '*': ['dynamodb:ListStreams'],
  'dead-letters': ['sqs:SendMessage'],
});

/**
 * Every function there is in one stage or another, by its short name: `functionsOf` says which a
 * stage has. `functions/lambdas/<group>/<name>.ts` is its entry
 * file.
 */
const catalogue = {
  'open-account': {
    group: 'accounts',
    description: 'Opens an account',
    route: 'POST /accounts',
    access: decide,
    timeout: 25,
    memory: 1024,
  },
  'amend-account': {
    group: 'accounts',
    description: 'Changes what is said of an account, and how far it may be overdrawn',
    route: 'PATCH /accounts/{accountId}',
    isRare: true,
    // It has no key, so no record.
    access: { events: decide.events },
    timeout: 25,
    memory: 1024,
  },
  'freeze-account': {
    group: 'accounts',
    description: 'Has an account refuse payments',
    route: 'POST /accounts/{accountId}/freeze',
    isRare: true,
    access: decide,
    timeout: 25,
    memory: 1024,
  },
  'unfreeze-account': {
    group: 'accounts',
    description: 'Opens a frozen account again',
    route: 'POST /accounts/{accountId}/unfreeze',
    isRare: true,
    access: decide,
    timeout: 25,
    memory: 1024,
  },
  'close-account': {
    group: 'accounts',
    description: 'Closes an empty account for ever',
    route: 'POST /accounts/{accountId}/close',
    isRare: true,
    access: decide,
    timeout: 25,
    memory: 1024,
  },
  deposit: {
    group: 'commands',
    description: 'Pays money into an account from outside',
    route: 'POST /accounts/{accountId}/deposits',
    access: decideOrQueue,
    sharedAccess: waitTogether,
    timeout: 25,
    memory: 1024,
  },
  withdraw: {
    group: 'commands',
    description: 'Pays money out of an account',
    route: 'POST /accounts/{accountId}/withdrawals',
    access: decideOrQueue,
    sharedAccess: waitTogether,
    timeout: 25,
    memory: 1024,
  },
  'request-transfer': {
    group: 'commands',
    description: 'Reserves the money of a transfer on its source and, if asked, waits for the end',
    route: 'POST /transfers',
    access: {
      ...decideOrQueue,
      // A transfer may have two keys.
      commands: [...decide.commands, ...lookTogether],
      views: ['dynamodb:GetItem'],
    },
    sharedAccess: { views: ['dynamodb:BatchGetItem'] },
    timeout: 25,
    memory: 1024,
  },
  'capture-transfer': {
    group: 'commands',
    description: 'Has a held transfer carried out',
    route: 'POST /transfers/{transferId}/capture',
    isRare: true,
    access: { ...decideOrQueue, views: ['dynamodb:GetItem'] },
    timeout: 25,
    memory: 1024,
  },
  'void-transfer': {
    group: 'commands',
    description: 'Gives a held transfer back',
    route: 'POST /transfers/{transferId}/void',
    isRare: true,
    access: { ...decideOrQueue, views: ['dynamodb:GetItem'] },
    timeout: 25,
    memory: 1024,
  },
  'reverse-transfer': {
    group: 'commands',
    description: 'Takes a transfer back by another',
    route: 'POST /transfers/{transferId}/reversal',
    isRare: true,
    access: decideOrQueue,
    timeout: 25,
    memory: 1024,
  },
  'create-posting': {
    group: 'commands',
    description: 'Moves money between several accounts at once',
    route: 'POST /postings',
    isRare: true,
    access: decide,
    timeout: 25,
    memory: 1024,
  },
  bulk: {
    group: 'commands',
    description: 'Decides many deposits, withdrawals and transfers in one request',
    route: 'POST /bulk',
    isRare: true,
    access: decide,
    timeout: 28,
    memory: 1024,
  },
  'decide-pending': {
    group: 'commands',
    description:
      'Decides the commands that are queued for hot accounts, those of one account together',
    access: { ...consume('queue/stream'), ...decide },
    timeout: 60,
    memory: 1024,
  },
  'get-account': {
    group: 'queries',
    description: 'An account as its stream has it, now or earlier',
    route: 'GET /accounts/{accountId}',
    access: { events: ['dynamodb:Query'] },
    timeout: 25,
    memory: 1024,
  },
  'list-entries': {
    group: 'queries',
    description: 'The statement of an account',
    route: 'GET /accounts/{accountId}/entries',
    access: { events: ['dynamodb:Query'] },
    timeout: 25,
    memory: 1024,
  },
  'list-accounts': {
    group: 'queries',
    description: 'The accounts of an owner',
    route: 'GET /accounts',
    isRare: true,
    access: {
      events: ['dynamodb:Query'],
      'views/accountsByOwner': ['dynamodb:Query'],
    },
    timeout: 25,
    memory: 1024,
  },
  'get-statement': {
    group: 'queries',
    description: 'The statement of an account for a period, with its totals',
    route: 'GET /accounts/{accountId}/statement',
    isRare: true,
    access: { events: ['dynamodb:Query'] },
    timeout: 25,
    memory: 1024,
  },
  'get-posting': {
    group: 'queries',
    description: 'A posting with its legs',
    route: 'GET /postings/{postingId}',
    isRare: true,
    access: { commands: ['dynamodb:GetItem'], events: ['dynamodb:Query'] },
    timeout: 25,
    memory: 1024,
  },
  'list-transfers': {
    group: 'queries',
    description: 'The transfers from and to an account',
    route: 'GET /accounts/{accountId}/transfers',
    access: {
      events: ['dynamodb:Query'],
      views: ['dynamodb:Query', 'dynamodb:GetItem', 'dynamodb:BatchGetItem'],
    },
    timeout: 25,
    memory: 1024,
  },
  'get-transfer': {
    group: 'queries',
    description: 'A transfer with its steps',
    route: 'GET /transfers/{transferId}',
    access: {
      views: ['dynamodb:Query', 'dynamodb:GetItem', 'dynamodb:BatchGetItem'],
      commands: ['dynamodb:GetItem'],
      // Whose accounts it is between.
      events: ['dynamodb:Query'],
    },
    timeout: 25,
    memory: 1024,
  },
  'get-command': {
    group: 'queries',
    description: 'How a command that had to queue for a hot account was decided',
    route: 'GET /accounts/{accountId}/commands/{commandId}',
    // The views tell how a hold ended, to whoever came too late.
    access: { ...decide, views: ['dynamodb:GetItem'] },
    timeout: 25,
    memory: 1024,
  },
  health: {
    group: 'service',
    description: 'Says that the API answers',
    route: 'GET /health',
    isPublic: true,
    access: {},
    timeout: 5,
    memory: 512,
  },
  openapi: {
    group: 'service',
    description: 'The API as OpenAPI 3.1',
    route: 'GET /openapi.json',
    isPublic: true,
    access: {},
    timeout: 5,
    memory: 512,
  },
  docs: {
    group: 'service',
    description: 'The API for people: a page that shows the OpenAPI document',
    route: 'GET /docs',
    isPublic: true,
    access: {},
    timeout: 5,
    memory: 512,
  },
  'route-not-found': {
    group: 'service',
    description: 'Answers every other path, and every other method, with a problem',
    route: '$default',
    // It tells what there is to ask, as the document does.
    isPublic: true,
    access: {},
    timeout: 5,
    memory: 512,
  },
  'project-views': {
    group: 'projections',
    description: 'Keeps the views up to the events',
    access: {
      ...consume('events/stream'),
      views: ['dynamodb:BatchWriteItem', 'dynamodb:UpdateItem'],
    },
    timeout: 60,
    memory: 1024,
  },
  'rebuild-views': {
    group: 'projections',
    description: 'Makes the views again from the events, or compares them; for npm run rebuild',
    access: {
      events: ['dynamodb:Scan', 'dynamodb:Query', 'dynamodb:GetItem', 'dynamodb:BatchGetItem'],
      commands: ['dynamodb:GetItem'],
      views: [
        'dynamodb:Scan',
        'dynamodb:Query',
        'dynamodb:GetItem',
        'dynamodb:BatchGetItem',
        'dynamodb:BatchWriteItem',
        'dynamodb:PutItem',
        'dynamodb:UpdateItem',
        'dynamodb:DeleteItem',
      ],
    },
    timeout: 60,
    memory: 1024,
  },
  'carry-out-transfers': {
    group: 'transfers',
    description:
      'Credits and settles the transfers that were reserved, and leaves to the workflow what does not go straight',
    access: {
      ...consume('events/stream'),
      ...decide,
      commands: [...decide.commands, ...lookTogether],
      workflow: ['states:StartExecution'],
    },
    timeout: 60,
    memory: 1024,
  },
  'start-transfers': {
    group: 'transfers',
    description: 'Starts the workflow of every transfer that was reserved',
    access: { ...consume('events/stream'), workflow: ['states:StartExecution'] },
    timeout: 60,
    memory: 1024,
  },
  'credit-transfer': {
    group: 'transfers',
    description: 'Pays a transfer in at its destination',
    access: decideOrQueue,
    timeout: 30,
    memory: 1024,
  },
  'settle-transfer': {
    group: 'transfers',
    description: 'Turns the reservation of a credited transfer into a withdrawal',
    access: decideOrQueue,
    timeout: 30,
    memory: 1024,
  },
  'release-transfer': {
    group: 'transfers',
    description: 'Gives the reservation of a refused transfer back to its source',
    access: decideOrQueue,
    timeout: 30,
    memory: 1024,
  },
  'recover-transfers': {
    group: 'transfers',
    description: 'Starts again what was left open for more than a minute',
    access: {
      events: ['dynamodb:Query', 'dynamodb:Scan'],
      views: ['dynamodb:GetItem', 'dynamodb:BatchGetItem'],
      'views/openTransfers': ['dynamodb:Query'],
      workflow: ['states:StartExecution'],
      'workflow/executions': ['states:DescribeExecution'],
    },
    timeout: 300,
    memory: 1024,
  },
  'expire-holds': {
    group: 'transfers',
    description: 'Gives back what is held once its time is over',
    access: {
      events: decide.events,
      views: ['dynamodb:GetItem', 'dynamodb:BatchGetItem'],
      'views/openTransfers': ['dynamodb:Query'],
    },
    timeout: 60,
    memory: 1024,
  },
} as const satisfies Record<string, FunctionDefinition>;

/** The short name of a function: its entry file, its bundle and its logs have it. */
export type FunctionName = keyof typeof catalogue;

export const functionNames: readonly FunctionName[] = Object.keys(catalogue).filter(isFunctionName);

/** The definition of a function. */
export const definitionOf = (name: FunctionName): FunctionDefinition => catalogue[name];

type RoutedDefinition = Extract<(typeof catalogue)[FunctionName], { readonly route: Route }>;

/** A {@link ClientRoute} that there is. */
export type HttpRoute = Exclude<RoutedDefinition['route'], '$default'>;

/** Every {@link ClientRoute}, and the function that answers it. */
export const httpRoutes: ReadonlyMap<HttpRoute, FunctionName> = new Map(
  functionNames.flatMap((name): [HttpRoute, FunctionName][] => {
    const definition = catalogue[name];
    return 'route' in definition && definition.route !== '$default'
      ? [[definition.route, name]]
      : [];
  }),
);

/**
 * Whether a function gains from an environment that takes many requests at once: it answers
 * requests and waits for tables. The others answer without a table, or get a batch, a step or a
 * search at a time.
 */
export const gainsFromSharing = (name: FunctionName): boolean => {
  const { route, access, isRare } = definitionOf(name);
  return route !== undefined && Object.keys(access).length > 0 && !isRare;
};

/** Every path of the API, and the methods that it answers: HEAD wherever it answers GET. */
export const methodsByPath: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  [...Map.groupBy(httpRoutes.keys(), (route) => partsOf(route).path)].map(([path, routes]) => [
    path,
    routes
      .map((route) => partsOf(route).method)
      .flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
      .sort(),
  ]),
);

/** The method and the path of a route. */
export function partsOf(route: ClientRoute): { readonly method: string; readonly path: string } {
  const [method = '', path = ''] = route.split(' ');
  return { method, path };
}

/** The file that a function is bundled from, relative to the repository. */
export const entryOf = (name: FunctionName): string =>
  `functions/lambdas/${catalogue[name].group}/${name}.ts`;

function isFunctionName(name: string): name is FunctionName {
  return Object.hasOwn(catalogue, name);
}
