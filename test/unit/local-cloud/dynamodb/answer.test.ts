import { expect, it } from 'vitest';
import { readAnswer } from '../../../../local-cloud/dynamodb/answer.ts';

const lines = (...parts: string[]) => parts.join('\r\n');

const cases = [
  {
    form: 'with its length',
    text: lines(
      'HTTP/1.1 200 OK',
      'X-Amzn-RequestId: r1',
      'Content-Length: 11',
      '',
      '{"a":"\r\nb"}',
    ),
    answer: { status: 200, headers: { 'x-amzn-requestid': 'r1' }, body: '{"a":"\r\nb"}' },
  },
  {
    form: 'without a body',
    text: lines('HTTP/1.1 200 OK', 'Content-Length: 0', '', ''),
    answer: { status: 200, body: '' },
  },
  {
    form: 'in chunks',
    text: lines(
      'HTTP/1.1 400 Bad Request',
      'Transfer-Encoding: chunked',
      '',
      '3',
      '{"a',
      'A',
      '":"12345"}',
      '0',
      '',
      '',
    ),
    answer: { status: 400, body: '{"a":"12345"}' },
  },
];

it.each(cases)('an answer $form is read once all of it is there', ({ text, answer }) => {
  const whole = Buffer.from(text);
  for (let length = 0; length < whole.length; length += 1)
    expect(readAnswer(whole.subarray(0, length)), `after ${length} bytes`).toBeUndefined();
  const read = readAnswer(whole);
  expect({ ...read, body: read?.body.toString() }).toMatchObject(answer);
});

it.each([
  lines('HTTP/1.1 200 OK', 'Server: other', '', '{}'),
  lines('SSH-2.0-OpenSSH', '', ''),
  lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', 'none', ''),
])('what is no answer of DynamoDB Local is refused: %j', (text) => {
  expect(() => readAnswer(Buffer.from(text))).toThrow('DynamoDB');
});
