/**
 * What the tool shows of a place in the code: as much of Babel's `NodePath` as is looked at here.
 */
interface Path {
  readonly node: Node & { readonly expression?: Node };
}

interface Node {
  readonly type: string;
  readonly callee?: { readonly name?: string; readonly property?: { readonly name?: string } };
}

const LOGGING = new Set(['info', 'warn', 'error', 'debug']);

/**
 * Leaves out what is said to people only: what errors are made of, and log lines. A test that holds
 * such a text word for word would be the text once more. That something is thrown, and when, is
 * mutated all the same.
 */
const texts = {
  shouldIgnore: ({ node }: Path): string | undefined => {
    if (node.type === 'NewExpression' && node.callee?.name?.endsWith('Error'))
      return 'the text of an error';
    // The whole statement: else the tool takes the line away, which is a mutant too.
    const call = node.type === 'ExpressionStatement' ? node.expression : node;
    const method = call?.type === 'CallExpression' ? call.callee?.property?.name : undefined;
    return method && LOGGING.has(method) ? 'a log line' : undefined;
  },
};

export const strykerPlugins = [{ kind: 'Ignore', name: 'texts', value: texts }];
