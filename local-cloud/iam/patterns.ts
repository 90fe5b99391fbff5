/** Whether a text is what a pattern says. */
export type Matches = (text: string) => boolean;

/**
 * A pattern of actions: `*` and `?` stand for any letters and for one, and case does not count.
 * @param pattern e.g. `dynamodb:Batch*`.
 */
export const actionPattern = (pattern: string): Matches => {
  const expression = new RegExp(`^${globOf(pattern)}$`, 'i');
  return (action) => expression.test(action);
};

/**
 * A pattern of resources. A `*` stays within its part of the ARN, between two colons, but for one
 * that ends its part
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html).
 * @param pattern an ARN, or `*`.
 */
export const resourcePattern = (pattern: string): Matches => {
  const source = pattern
    .split(':')
    .map((part) => globOf(part.replace(/\*+$/, ''), '[^:]') + (part.endsWith('*') ? '.*' : ''))
    .join(':');
  const expression = new RegExp(`^${source}$`, 's');
  return (resource) => expression.test(resource);
};

/** A pattern of any text, for the operator `StringLike`. */
export const textPattern = (pattern: string): Matches => {
  const expression = new RegExp(`^${globOf(pattern)}$`, 's');
  return (text) => expression.test(text);
};

/**
 * A pattern of ARNs, for the operators `ArnLike` and `ArnEquals`, which are the same: each of the
 * six parts is held to its own pattern
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).
 */
export const arnPattern = (pattern: string): Matches => {
  const parts = arnParts(pattern).map(textPattern);
  return (arn) => {
    const given = arnParts(arn);
    return (
      given.length === parts.length && parts.every((matches, place) => matches(given[place] ?? ''))
    );
  };
};

/** The six parts of an ARN: the last one may have colons of its own. */
const arnParts = (arn: string): string[] => {
  const parts = arn.split(':');
  return parts.length <= 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(':')];
};

const globOf = (pattern: string, any = '.'): string =>
  [...pattern]
    .map((letter) => {
      if (letter === '*') return `${any}*`;
      if (letter === '?') return any;
      return letter.replace(/[\\^$.|+()[\]{}]/, '\\$&');
    })
    .join('');
