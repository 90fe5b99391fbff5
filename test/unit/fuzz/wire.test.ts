import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createWireCases } from '../../../fuzz/wire/cases.ts';
import { sendOnWire, toNetcat, type WireExchange } from '../../../fuzz/wire/exchange.ts';
import { parseAnswers } from '../../../fuzz/wire/parse-answers.ts';
import { randomOf } from '../../../testing/random.ts';

const answer = (status: number, body: string, ...headers: string[]) =>
  [`HTTP/1.1 ${status} X`, `Content-Length: ${body.length}`, ...headers, '', body].join('\r\n');

describe('answers on the wire', () => {
  const parse = (text: string, methods: readonly string[] = ['GET'], isClosed = false) =>
    parseAnswers(Buffer.from(text), methods, isClosed).answers;

  it('are read one after the other, those of 1xx passed over', () => {
    const text = `HTTP/1.1 100 Continue\r\n\r\n${answer(200, 'one', 'X-A: b')}${answer(404, '')}`;
    expect(parse(text, ['GET', 'GET'])).toEqual([
      { status: 200, headers: { 'content-length': '3', 'x-a': 'b' }, text: 'one' },
      { status: 404, headers: { 'content-length': '0' }, text: '' },
    ]);
  });

  it('are waited for until they are whole', () => {
    const text = answer(200, 'one');
    for (let length = 0; length < text.length; length += 1)
      expect(parse(text.slice(0, length))).toEqual([]);
    expect(parse(text)).toHaveLength(1);
  });

  it('to HEAD, and of 304, have no body whatever their length', () => {
    const two = `HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n${answer(200, 'next')}`;
    expect(parse(two, ['HEAD', 'GET']).map(({ text }) => text)).toEqual(['', 'next']);
    expect(parse('HTTP/1.1 304 X\r\n\r\n')).toHaveLength(1);
  });

  it('without a length end with their connection', () => {
    const text = 'HTTP/1.1 200 OK\r\n\r\nall of it';
    expect(parse(text)).toEqual([]);
    expect(parse(text, ['GET'], true)).toMatchObject([{ text: 'all of it' }]);
  });

  it.each([
    ['no status line', 'hello\r\n\r\n', 'begins no answer'],
    ['a line that is no header', 'HTTP/1.1 200 OK\r\nhello\r\n\r\n', 'is no header'],
    ['a header twice', answer(200, '', 'X-A: 1', 'X-A: 2'), 'x-a is there twice'],
    ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 'in chunks'],
  ])('with %s are named', (_, text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});

describe('an exchange', () => {
  const exchange = (more: Partial<WireExchange> = {}): WireExchange => ({
    ...{ name: 'a test', parts: [Buffer.from('one'), Buffer.from('two')], pauseMs: 1 },
    ...{ ending: 'wait', expected: [{ method: 'GET', target: '/', as: 'answered' }], ...more },
  });
  /** A server that says one thing, and the bytes that it is sent. */
  const serverThatSays = async (text: string) => {
    const received: Buffer[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        received.push(bytes);
        if (Buffer.concat(received).includes('two')) socket.end(text);
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    onTestFinished(() => void server.close());
    const address = server.address();
    if (typeof address !== 'object' || !address) throw new Error('it does not listen');
    return { url: `http://127.0.0.1:${address.port}`, received };
  };

  it('is written part by part, and answered', async () => {
    const { url, received } = await serverThatSays(answer(200, 'hello'));
    expect(await sendOnWire(url, exchange())).toMatchObject([{ status: 200, text: 'hello' }]);
    expect(Buffer.concat(received).toString()).toBe('onetwo');
  });

  it('that is not answered has no answer, and one that is answered in no HTTP throws', async () => {
    const silent = await serverThatSays('');
    expect(await sendOnWire(silent.url, exchange())).toEqual([]);
    const strange = await serverThatSays('hello\r\n\r\n');
    await expect(sendOnWire(strange.url, exchange())).rejects.toThrow('begins no answer');
  });

  it('can be sent again with a command for a shell', () => {
    expect(toNetcat('http://127.0.0.1:3000', exchange())).toContain(
      `base64 -d <<< ${Buffer.from('onetwo').toString('base64')} | nc 127.0.0.1 3000`,
    );
  });
});

it('exchanges follow from their seed, are of many kinds, and carry the token of who pays in', () => {
  /** Of each its beginning: some have 10 MB. */
  const made = (seed: number) => {
    const next = createWireCases(randomOf(seed), '127.0.0.1:3000', ['a1'], () => [
      'Authorization: Bearer t',
    ]);
    return Array.from({ length: 300 }, () => {
      const { name, parts, ending } = next();
      const begin = parts.map((part) => part.toString('latin1', 0, 300)).join('');
      return { name, ending, begin: begin.slice(0, 2_000) };
    });
  };
  const exchanges = made(7);
  expect(made(7)).toEqual(exchanges);
  expect(made(8)).not.toEqual(exchanges);
  expect(new Set(exchanges.map(({ name }) => name)).size).toBeGreaterThan(40);
  const deposits = exchanges.filter(
    ({ begin, ending }) => begin.includes('/deposits') && ending === 'wait',
  );
  expect(deposits.length).toBeGreaterThan(20);
  for (const { begin } of deposits) expect(begin).toContain('Authorization: Bearer t\r\n');
});
