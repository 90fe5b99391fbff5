/**
 * DynamoDB answered 200 with a body that says nothing: it was cut short on the way, or another
 * server sent it. What it means is not known.
 */
export class UnreadableAnswer extends Error {
  override readonly name = 'UnreadableAnswer';

  constructor() {
    super('an answer of 200 from DynamoDB does not hold what every answer holds');
  }
}

/**
 * Makes sure that an answer really is DynamoDB's. From an empty body the SDK makes an answer
 * without any attribute, which would read as "there is no such item".
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
