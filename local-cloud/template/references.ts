/** The parameters that CloudFormation gives every template. */
const PSEUDO_PARAMETERS = [
  'AWS::AccountId',
  'AWS::NoValue',
  'AWS::NotificationARNs',
  'AWS::Partition',
  'AWS::Region',
  'AWS::StackId',
  'AWS::StackName',
  'AWS::URLSuffix',
];

/**
 * Refuses a template in which any part refers to a missing thing: CloudFormation does so before it
 * makes anything ("Unresolved resource dependencies"), also in parts that have no effect on this
 * machine.
 * @param template with its resources, parameters and outputs.
 * @throws {Error} that names where the reference stands and what it leads to.
 */
export const refuseDanglingReferences = (template: Readonly<Record<string, unknown>>): void => {
  const known = new Set([
    ...namesIn(template['Resources']),
    ...namesIn(template['Parameters']),
    ...PSEUDO_PARAMETERS,
  ]);
  for (const { at, name } of referencesIn(template, [])) {
    if (known.has(name)) continue;
    throw new Error(
      `Holdfast local cannot run a template in which ${at.join('.')} refers to ${name}: there is none`,
    );
  }
};

interface Reference {
  /** The path in the template. */
  readonly at: readonly string[];
  /** What it leads to: a logical id or a parameter. */
  readonly name: string;
}

const namesIn = (section: unknown): string[] => (isObject(section) ? Object.keys(section) : []);

function* referencesIn(value: unknown, at: readonly string[]): Generator<Reference> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* referencesIn(item, [...at, String(index)]);
    return;
  }
  if (!isObject(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'Ref' && typeof inner === 'string') yield { at, name: inner };
    else if (key === 'Fn::GetAtt') yield { at, name: firstPart(inner) };
    else if (key === 'DependsOn' && isResource(at))
      for (const name of [inner].flat()) yield { at, name: String(name) };
    else {
      if (key === 'Fn::Sub') for (const name of namedIn(inner)) yield { at, name };
      yield* referencesIn(inner, [...at, key]);
    }
  }
}

/** `DependsOn` is a word of CloudFormation only beside a resource's type. */
const isResource = (at: readonly string[]): boolean => at.length === 2 && at[0] === 'Resources';

const firstPart = (argument: unknown): string =>
  String(Array.isArray(argument) ? argument[0] : argument).split('.')[0] ?? '';

/** The names that `Fn::Sub` fills into its text, but for its own variables. */
const namedIn = (argument: unknown): string[] => {
  const [text, own] = Array.isArray(argument) ? argument : [argument, {}];
  const names = [...String(text).matchAll(/\$\{([^!}][^}]*)\}/g)].map(([, name = '']) =>
    firstPart(name),
  );
  return names.filter((name) => !isObject(own) || !(name in own));
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
