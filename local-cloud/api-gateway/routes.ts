/** A route of an HTTP API and where it leads. */
export interface Route<Target> {
  /**
   * `METHOD /path`, `ANY /path` or `$default`; a segment may be `{name}`, the last one `{name+}`.
   */
  readonly routeKey: string;
  readonly target: Target;
}

/** The route a request takes. */
interface RouteMatch<Target> extends Route<Target> {
  /** Decoded. */
  readonly pathParameters: Readonly<Record<string, string>>;
}

/**
 * Finds the route of a request as API Gateway does: an exact segment goes before a path variable, a
 * path variable before a greedy one, a method before ANY, and `$default` takes the rest.
 *
 * @param path as the client sent it, percent-encoded.
 * @throws {URIError} if a path variable cannot be decoded.
 */
export type FindRoute<Target> = (method: string, path: string) => RouteMatch<Target> | undefined;

/** Prepares the routes of an API. */
export const createRouter = <Target>(routes: readonly Route<Target>[]): FindRoute<Target> => {
  const compiled = routes.filter((route) => route.routeKey !== '$default').map(compile);
  const inOrder = compiled.sort((a, b) => comparePriority(a.priority, b.priority));
  const fallback = routes.find((route) => route.routeKey === '$default');

  return (method, path) => {
    const segments = path.split('/').slice(1);
    for (const candidate of inOrder) {
      if (candidate.method !== 'ANY' && candidate.method !== method) continue;
      const pathParameters = matchSegments(candidate.segments, segments);
      if (pathParameters) return { ...candidate.route, pathParameters };
    }
    return fallback && { ...fallback, pathParameters: {} };
  };
};

interface Segment {
  readonly kind: 'exact' | 'variable' | 'greedy';
  readonly name: string;
}

interface CompiledRoute<Target> {
  readonly route: Route<Target>;
  readonly method: string;
  readonly segments: readonly Segment[];
  /** Compared number by number, the smaller one goes first. */
  readonly priority: readonly number[];
}

const kindPriority = { exact: 0, variable: 1, greedy: 2 } as const;

const compile = <Target>(route: Route<Target>): CompiledRoute<Target> => {
  const [method = '', path = ''] = route.routeKey.split(' ');
  const segments = path.split('/').slice(1).map(toSegment);
  const priority = [
    ...segments.map((segment) => kindPriority[segment.kind]),
    method === 'ANY' ? 1 : 0,
  ];
  return { route, method, segments, priority };
};

const toSegment = (text: string): Segment => {
  const name = /^\{(.+?)(\+?)\}$/.exec(text);
  if (!name) return { kind: 'exact', name: text };
  return { kind: name[2] === '+' ? 'greedy' : 'variable', name: name[1] ?? '' };
};

const comparePriority = (a: readonly number[], b: readonly number[]): number => {
  const position = a.findIndex((value, index) => value !== b[index]);
  return (a[position] ?? 0) - (b[position] ?? 0);
};

const matchSegments = (
  pattern: readonly Segment[],
  segments: readonly string[],
): Record<string, string> | undefined => {
  const parameters: Record<string, string> = {};
  for (const [index, { kind, name }] of pattern.entries()) {
    const segment = segments[index];
    if (segment === undefined) return undefined;
    if (kind === 'greedy') {
      const rest = segments.slice(index).join('/');
      return rest === '' ? undefined : { ...parameters, [name]: decodeURIComponent(rest) };
    }
    if (kind === 'exact' && segment !== name) return undefined;
    if (kind === 'variable') {
      if (segment === '') return undefined;
      parameters[name] = decodeURIComponent(segment);
    }
  }
  return pattern.length === segments.length ? parameters : undefined;
};
