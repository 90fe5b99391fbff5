/** The values that the intrinsic functions of a template can refer to. */
export interface TemplateScope {
  /**
   * `Ref` of a parameter, a pseudo parameter (`AWS::Region`) or a resource; `undefined`: there is
   * none.
   */
  ref(name: string): unknown;
  /** `Fn::GetAtt`; `undefined`: the local cloud knows no such attribute. */
  attribute(logicalId: string, name: string): unknown;
}

type Resolver = (argument: unknown, scope: TemplateScope) => unknown;

/**
 * Replaces the intrinsic functions in a part of a template by their values. A property whose value
 * is `AWS::NoValue` is left out.
 *
 * @throws an error that names the reference that cannot be resolved.
 */
export const resolveIntrinsics = (value: unknown, scope: TemplateScope): unknown => {
  if (Array.isArray(value))
    return value.map((item) => resolveIntrinsics(item, scope)).filter(isPresent);
  if (!isObject(value)) return value;

  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first && (first[0] === 'Ref' || first[0].startsWith('Fn::'))) {
    const resolver = resolvers[first[0]];
    if (!resolver) throw new Error(`the function ${first[0]} is not implemented`);
    return resolver(first[1], scope);
  }
  return Object.fromEntries(
    entries
      .map(([key, item]) => [key, resolveIntrinsics(item, scope)] as const)
      .filter(([, item]) => isPresent(item)),
  );
};

const resolvers: Readonly<Record<string, Resolver>> = {
  Ref: (name, scope) => reference(asText(name, 'Ref'), scope),

  'Fn::GetAtt': (argument, scope) => {
    const [logicalId = '', ...path] = Array.isArray(argument)
      ? argument.map(String)
      : String(argument).split('.');
    return attribute(logicalId, path.join('.'), scope);
  },

  'Fn::Join': (argument, scope) => {
    const [separator, items] = asPair(argument, 'Fn::Join');
    const parts = asList(resolveIntrinsics(items, scope), 'Fn::Join');
    return parts.map((part) => asText(part, 'Fn::Join')).join(asText(separator, 'Fn::Join'));
  },

  'Fn::Sub': (argument, scope) => {
    const [text, variables] = Array.isArray(argument) ? argument : [argument, {}];
    const own = resolveIntrinsics(variables, scope);
    return asText(text, 'Fn::Sub')
      .replaceAll(/\$\{([^!}][^}]*)\}/g, (_, name: string) => {
        if (isObject(own) && name in own) return asText(own[name], 'Fn::Sub');
        const [logicalId = '', ...path] = name.split('.');
        return asText(
          path.length > 0 ? attribute(logicalId, path.join('.'), scope) : reference(name, scope),
          'Fn::Sub',
        );
      })
      .replaceAll('${!', '${');
  },

  'Fn::Select': (argument, scope) => {
    const [index, items] = asPair(argument, 'Fn::Select');
    const selected = asList(resolveIntrinsics(items, scope), 'Fn::Select')[
      Number(resolveIntrinsics(index, scope))
    ];
    if (selected === undefined) throw new Error(`Fn::Select has no item ${JSON.stringify(index)}`);
    return selected;
  },

  'Fn::Split': (argument, scope) => {
    const [separator, text] = asPair(argument, 'Fn::Split');
    return asText(resolveIntrinsics(text, scope), 'Fn::Split').split(
      asText(separator, 'Fn::Split'),
    );
  },
};

const reference = (name: string, scope: TemplateScope): unknown => {
  if (name === 'AWS::NoValue') return undefined;
  const value = scope.ref(name);
  if (value === undefined) throw new Error(`Ref ${name} has no value here`);
  return value;
};

const attribute = (logicalId: string, name: string, scope: TemplateScope): unknown => {
  const value = scope.attribute(logicalId, name);
  if (value === undefined) throw new Error(`Fn::GetAtt ${logicalId}.${name} has no value here`);
  return value;
};

const isPresent = (value: unknown): boolean => value !== undefined;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const asText = (value: unknown, where: string): string => {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return String(value);
  throw new Error(`${where} needs a text, not ${JSON.stringify(value)}`);
};

const asList = (value: unknown, where: string): readonly unknown[] => {
  if (Array.isArray(value)) return value;
  throw new Error(`${where} needs a list, not ${JSON.stringify(value)}`);
};

const asPair = (value: unknown, where: string): readonly [unknown, unknown] => {
  const [first, second, ...rest] = asList(value, where);
  if (second === undefined || rest.length > 0) throw new Error(`${where} needs two arguments`);
  return [first, second];
};
