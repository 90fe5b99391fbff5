/**
 * DynamoDB answered 200 with a body that says nothing: cut short on the way, or another server's.
 * What it means is not known.
 */
export class UnreadableAnswer extends Error {
  override readonly name = 'UnreadableAnswer';

  constructor() {
    super('an answer of 200 from DynamoDB does not hold what every answer holds');
  }
}

/**
 * Takes an answer of DynamoDB for what it says only where it really is one. Of an empty body the
 * SDK makes an answer without any attribute, which would read as "there is no such item".
 * @param answer of a request that asked for `ReturnConsumedCapacity`, which every true answer then
 *   holds.
 * @throws {UnreadableAnswer} where it does not: `failureOf` calls the result unknown.
 */
export const answered = <Answer extends { readonly ConsumedCapacity?: unknown }>(
  answer: Answer,
): Answer => {
  if (answer.ConsumedCapacity === undefined) throw new UnreadableAnswer();
  return answer;
};
