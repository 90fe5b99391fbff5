import type { StateMachineDefinition } from 'aws-local-stepfunctions';

/**
 * Reads a definition in Amazon States Language for aws-local-stepfunctions 3: refuses what the
 * library would ignore or run otherwise than AWS, and adapts the rest where it can.
 * @param definition as JSON.
 * @param limits.isFunction whether a task's `Resource` is the ARN of a function that can be called.
 * @param limits.longestSeconds how long an execution may take at most; absent: as its definition
 *   says.
 * @throws Error that names the state and the field.
 */
export const readDefinition = (
  definition: unknown,
  limits: {
    readonly isFunction: (resource: string) => boolean;
    readonly longestSeconds?: number | undefined;
  },
): {
  readonly definition: StateMachineDefinition;
  readonly resources: ReadonlyMap<string, string>;
} => {
  if (!isObject(definition) || !isObject(definition['States']))
    throw new Error('The definition has no States');
  refuseUnknown('The definition', definition, topLevelFields);
  refuseLongTimers('The definition', definition);
  const resources = new Map<string, string>();
  const states = Object.entries(definition['States']).map(([name, state]) => {
    const place = `The state ${name}`;
    if (!isObject(state)) throw new Error(`${place} is no object`);
    refuseState(place, state);
    if (state['Type'] === 'Task') resources.set(name, functionOf(place, state, limits.isFunction));
    return [name, adjustState(state)] as const;
  });
  const longest = [definition['TimeoutSeconds'], limits.longestSeconds].filter(
    (it) => typeof it === 'number',
  );
  const adjusted: Record<string, unknown> = {
    ...definition,
    States: Object.fromEntries(states),
    ...(longest.length > 0 && { TimeoutSeconds: Math.min(...longest) }),
  };
  if (!isDefinition(adjusted)) throw new Error('The definition does not say where it starts');
  return { definition: adjusted, resources };
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Checks only the frame: the library validates the rest when it gets the definition. */
const isDefinition = (value: unknown): value is StateMachineDefinition =>
  isObject(value) && isObject(value['States']) && typeof value['StartAt'] === 'string';

const topLevelFields = [
  'Comment',
  'QueryLanguage',
  'StartAt',
  'States',
  'TimeoutSeconds',
  'Version',
];

const everywhere = ['Type', 'Comment', 'QueryLanguage', 'InputPath', 'OutputPath'];
const follow = ['Next', 'End'];

/** By type of state: the fields that the library carries out. */
const stateFields: Readonly<Record<string, readonly string[] | undefined>> = {
  Task: [
    ...everywhere,
    ...follow,
    ...['Resource', 'Parameters', 'ResultSelector', 'ResultPath', 'Retry', 'Catch'],
    ...['TimeoutSeconds', 'TimeoutSecondsPath'],
  ],
  Choice: [...everywhere, 'Choices', 'Default'],
  Pass: [...everywhere, ...follow, 'Parameters', 'Result', 'ResultPath'],
  Wait: [...everywhere, ...follow, 'Seconds', 'SecondsPath', 'Timestamp', 'TimestampPath'],
  Succeed: everywhere,
  Fail: ['Type', 'Comment', 'QueryLanguage', 'Error', 'ErrorPath', 'Cause', 'CausePath'],
};

const refuseState = (place: string, state: Record<string, unknown>): void => {
  const fields = stateFields[String(state['Type'])];
  if (fields === undefined)
    throw new Error(`${place} is a ${state['Type']} state, which is not run on this machine`);
  refuseUnknown(place, state, fields);
  refuseLongTimers(place, state);
  refuseContext(place, state);
  if ('Choices' in state) refuseInRules(place, state['Choices']);
  if ('Result' in state && !state['Result'])
    throw new Error(
      `${place} has the Result ${JSON.stringify(state['Result'])}, which would be its input here`,
    );
};

const refuseUnknown = (
  place: string,
  object: Record<string, unknown>,
  fields: readonly string[],
): void => {
  const unknown = Object.keys(object).find((field) => !fields.includes(field));
  if (unknown !== undefined)
    throw new Error(`${place} has ${unknown}, which is not carried out on this machine`);
  const language = object['QueryLanguage'] ?? 'JSONPath';
  if (language !== 'JSONPath')
    throw new Error(`${place} is in ${language}, and this machine knows JSONPath alone`);
};

/** Node's timers end at 2^31 − 1 ms; a longer one fires at once. */
const LONGEST_TIMER_SECONDS = 2_147_483;

const refuseLongTimers = (
  place: string,
  { Seconds, TimeoutSeconds }: Record<string, unknown>,
): void => {
  for (const [field, value] of Object.entries({ Seconds, TimeoutSeconds }))
    if (typeof value === 'number' && value > LONGEST_TIMER_SECONDS)
      throw new Error(`${place} has ${field} ${value}, longer than this machine can wait`);
};

/** A rule of a Choice state, or a list of rules, may assign variables on AWS. */
const refuseInRules = (place: string, rules: unknown): void => {
  for (const rule of Array.isArray(rules) ? rules : [rules]) {
    if (!isObject(rule)) continue;
    const unknown = ['Assign', 'Condition', 'Output'].find((field) => field in rule);
    if (unknown !== undefined)
      throw new Error(`${place} has ${unknown}, which is not carried out on this machine`);
    for (const nested of [rule['And'], rule['Or'], rule['Not']]) refuseInRules(place, nested);
  }
};

/**
 * The parts of the context object that exist here. The library has no task tokens, and does not
 * count retries.
 */
const knownContext = /^\$\$\.(Execution\.(Id|Name|StartTime|Input\b.*)|StateMachine\.(Id|Name))$/;

const refuseContext = (place: string, value: unknown): void => {
  if (typeof value === 'string') {
    const unknown = (value.match(/\$\$[^\s,)]*/g) ?? []).find((path) => !knownContext.test(path));
    if (unknown !== undefined)
      throw new Error(`${place} uses ${unknown}, which is not there on this machine`);
  } else if (typeof value === 'object' && value !== null) {
    for (const [field, inner] of Object.entries(value))
      if (field !== 'Comment') refuseContext(place, inner);
  }
};

const functionOf = (
  place: string,
  { Resource }: Record<string, unknown>,
  isFunction: (resource: string) => boolean,
): string => {
  if (typeof Resource === 'string' && isFunction(Resource)) return Resource;
  throw new Error(
    `${place} has the Resource ${Resource}, which is not a function of this template`,
  );
};

const adjustState = (state: Record<string, unknown>): Record<string, unknown> => {
  const { ResultPath, ...others } = state;
  const adjusted = ResultPath === undefined || ResultPath === wholeResult ? others : state;
  const unlimited =
    state['Type'] === 'Task' && !('TimeoutSeconds' in state) && !('TimeoutSecondsPath' in state);
  return unlimited ? { ...adjusted, TimeoutSeconds: LONGER_THAN_ANY_FUNCTION } : adjusted;
};

/** The default. Written out, the library would put the result into a field named `$`. */
const wholeResult = '$';

/**
 * For a task without a limit the library sets one of 60 seconds. A function ends by itself after
 * 900 at most.
 */
const LONGER_THAN_ANY_FUNCTION = 1_000;
