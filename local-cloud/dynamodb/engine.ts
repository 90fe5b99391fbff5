import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

/** A command that runs DynamoDB Local. */
export interface Engine {
  readonly command: string;
  readonly arguments: readonly string[];
  /** How long it may take to answer first, in milliseconds. */
  readonly startDeadlineMs: number;
  /** For the line that tells the user what runs where. */
  readonly description: string;
}

/** The options of the engine. */
export interface EngineOptions {
  /** The TCP port it listens on. */
  readonly port: number;
  /** The directory where it keeps its tables; absent: in memory. */
  readonly dataDirectory?: string | undefined;
  /** Whether it is to answer hundreds of thousands of requests, as in a benchmark. */
  readonly longRunning?: boolean | undefined;
}

/**
 * Runs a command to its end and gives its output on both streams; undefined when it cannot run or
 * fails.
 */
export type Probe = (command: string, args: readonly string[]) => Promise<string | undefined>;

/**
 * Chooses how to run DynamoDB Local on this machine: the jar from npm where there is Java 11 or
 * later, else the container image where a Docker daemon answers.
 * @param probe asks the machine; a test gives its own.
 * @throws Error that says how to get Java when neither is there.
 */
export const findEngine = async (options: EngineOptions, probe: Probe = run): Promise<Engine> => {
  const java = javaCommand(process.env['JAVA_HOME']);
  const version = javaMajorVersion((await probe(java, ['-version'])) ?? '');
  if (version !== undefined && version >= OLDEST_JAVA) return javaEngine(java, version, options);
  if ((await probe('docker', ['info', '--format', '{{.ServerVersion}}'])) !== undefined)
    return dockerEngine(options);
  throw new Error(howToGetJava(version));
};

/**
 * The major version in what `java -version` prints: 17 for `17.0.15`, 8 for `1.8.0_292`, undefined
 * when it says none.
 */
export const javaMajorVersion = (output: string): number | undefined => {
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(output) ?? [];
  if (first === undefined) return undefined;
  return Number(first === '1' && second !== undefined ? second : first);
};

/** DynamoDB Local 1.25 does not start on anything older. */
const OLDEST_JAVA = 11;

const run: Probe = async (command, args) => {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, [...args], {
      timeout: 10_000,
      windowsHide: true,
    });
    return stdout + stderr;
  } catch {
    return undefined;
  }
};

const javaCommand = (javaHome: string | undefined): string => {
  if (javaHome === undefined || javaHome === '') return 'java';
  const inHome = join(javaHome, 'bin', process.platform === 'win32' ? 'java.exe' : 'java');
  return existsSync(inHome) ? inHome : 'java';
};

const javaEngine = (
  java: string,
  version: number,
  { port, dataDirectory, longRunning }: EngineOptions,
): Engine => {
  // The package's own JavaScript stays unused: it only starts this jar, with dependencies that
  // package.json replaces.
  const manifest = createRequire(import.meta.url).resolve(
    'amplify-dynamodb-simulator/package.json',
  );
  const emulator = join(dirname(manifest), 'emulator');
  return {
    command: java,
    arguments: [
      '-XX:+UseSerialGC',
      // Measured on two cores: without the second compiler the engine needs half the processor time
      // to start and for its first 10,000 requests, and still less altogether after 30,000 (20 s,
      // not 31). After that each request takes a third less with it.
      ...(longRunning ? [] : ['-XX:TieredStopAtLevel=1']),
      `-Djava.library.path=${join(emulator, 'DynamoDBLocal_lib')}`,
      '-jar',
      join(emulator, 'DynamoDBLocal.jar'),
      '-port',
      String(port),
      ...(dataDirectory === undefined ? ['-inMemory'] : ['-dbPath', resolve(dataDirectory)]),
      '-disableTelemetry',
    ],
    startDeadlineMs: 60_000,
    description: `DynamoDB Local on Java ${version}`,
  };
};

const dockerEngine = ({ port, dataDirectory }: EngineOptions): Engine => ({
  command: 'docker',
  arguments: [
    'run',
    '--rm',
    '--init',
    '--publish',
    `127.0.0.1:${port}:8000`,
    // The image's own user could not write to a directory of this machine.
    ...(dataDirectory === undefined
      ? []
      : ['--user', 'root', '--volume', `${resolve(dataDirectory)}:/data`]),
    'amazon/dynamodb-local',
    '-jar',
    'DynamoDBLocal.jar',
    ...(dataDirectory === undefined ? ['-inMemory'] : ['-dbPath', '/data']),
    '-disableTelemetry',
  ],
  // The image may have to be fetched first.
  startDeadlineMs: 300_000,
  description: 'DynamoDB Local in a container',
});

const howToGetJava = (found: number | undefined): string =>
  [
    found === undefined
      ? 'DynamoDB Local needs Java 11 or later, and there is no Java here.'
      : `DynamoDB Local needs Java 11 or later, and the Java here is ${found}.`,
    '  Debian, Ubuntu   sudo apt install default-jre-headless',
    '  macOS            brew install --cask temurin',
    '  Windows          winget install EclipseAdoptium.Temurin.21.JRE',
    'Then open a new terminal, or set JAVA_HOME. Docker, running, does instead of Java.',
    'Or set HOLDFAST_DYNAMODB_ENDPOINT to a DynamoDB Local that runs already, such as http://127.0.0.1:8000.',
  ].join('\n');
