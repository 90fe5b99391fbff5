import { existsSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { findEngine, javaMajorVersion } from '../../../../local-cloud/dynamodb/engine.ts';

describe('the major version of Java', () => {
  it.each([
    [
      'openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment (build 17.0.15+6-Debian-1deb12u1)',
      17,
    ],
    ['openjdk version "11.0.2" 2019-01-15', 11],
    ['java version "1.8.0_292"\nJava(TM) SE Runtime Environment (build 1.8.0_292-b10)', 8],
    ['openjdk version "25" 2025-09-16', 25],
    ['openjdk version "21-ea" 2023-09-19', 21],
    ['The operation could not be completed. Unable to locate a Java Runtime.', undefined],
    ['', undefined],
  ])('in %j is %s', (output, version) => {
    expect(javaMajorVersion(output)).toBe(version);
  });
});

/** A machine on which these programs answer. */
const machine = (answers: Record<string, string>) =>
  vi.fn(
    async (command: string) =>
      Object.entries(answers).find(([name]) => command.endsWith(name))?.[1],
  );

const java17 = 'openjdk version "17.0.15" 2025-04-15';

describe('DynamoDB Local runs', () => {
  it('from the jar that npm brought, in memory, where there is Java', async () => {
    const engine = await findEngine({ port: 8123 }, machine({ java: java17, docker: '28.0' }));

    expect(engine.command).toMatch(/java$/);
    expect(engine.description).toBe('DynamoDB Local on Java 17');
    expect(engine.arguments.slice(-4)).toEqual(['-port', '8123', '-inMemory', '-disableTelemetry']);
    const jar = engine.arguments[engine.arguments.indexOf('-jar') + 1] ?? '';
    const libraries =
      engine.arguments.find((it) => it.startsWith('-Djava.library.path='))?.split('=')[1] ?? '';
    expect([existsSync(jar), existsSync(libraries)]).toEqual([true, true]);
  });

  it('without the JVM’s second compiler, unless it is to run for long', async () => {
    const short = await findEngine({ port: 8123 }, machine({ java: java17 }));
    const long = await findEngine({ port: 8123, longRunning: true }, machine({ java: java17 }));

    expect(short.arguments.filter((it) => !long.arguments.includes(it))).toEqual([
      '-XX:TieredStopAtLevel=1',
    ]);
  });

  it('from the jar, in a directory', async () => {
    const engine = await findEngine(
      { port: 8123, dataDirectory: '/data/ledger' },
      machine({ java: java17 }),
    );

    expect(engine.arguments).toEqual(expect.arrayContaining(['-dbPath', '/data/ledger']));
    expect(engine.arguments).not.toContain('-inMemory');
  });

  it('in a container where Java is too old and Docker answers', async () => {
    const engine = await findEngine(
      { port: 8123 },
      machine({ java: 'java version "1.8.0_292"', docker: '28.0' }),
    );

    expect([engine.command, ...engine.arguments].join(' ')).toBe(
      'docker run --rm --init --publish 127.0.0.1:8123:8000 amazon/dynamodb-local ' +
        '-jar DynamoDBLocal.jar -inMemory -disableTelemetry',
    );
  });

  it('in a container with a directory of this machine', async () => {
    const engine = await findEngine(
      { port: 8123, dataDirectory: '/data/ledger' },
      machine({ docker: '28.0' }),
    );

    expect([engine.command, ...engine.arguments].join(' ')).toBe(
      'docker run --rm --init --publish 127.0.0.1:8123:8000 --user root --volume /data/ledger:/data ' +
        'amazon/dynamodb-local -jar DynamoDBLocal.jar -dbPath /data -disableTelemetry',
    );
  });
});

it.each([
  ['no Java', {}, 'there is no Java here'],
  ['an old Java', { java: 'java version "1.8.0_292"' }, 'the Java here is 8'],
])('with %s and no Docker, the error says how to get Java', async (_, answers, found) => {
  const refused = findEngine({ port: 8123 }, machine(answers));

  await expect(refused).rejects.toThrow(found);
  for (const way of [
    'apt install',
    'brew install',
    'winget install',
    'JAVA_HOME',
    'HOLDFAST_DYNAMODB_ENDPOINT',
  ])
    await expect(refused).rejects.toThrow(way);
});

it('the Java of JAVA_HOME is asked first, if it is there', async () => {
  const probe = machine({ docker: '28.0' });
  vi.stubEnv('JAVA_HOME', '/no/such/directory');
  await findEngine({ port: 8123 }, probe);
  vi.unstubAllEnvs();
  expect(probe).toHaveBeenCalledWith('java', ['-version']);
});
