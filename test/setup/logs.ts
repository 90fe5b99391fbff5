import { expect } from 'vitest';
import { chosenFields } from '../../functions/runtime/log/log-fields.ts';

/**
 * Looks at every line that the functions of a test's cloud write, and at what clients send it: no
 * line may hold what a client wrote or what proves who it is, and no field that is not chosen.
 */
export interface WatchedLogs {
  readonly lines: readonly string[];
  /** Takes a line. */
  log(line: string): void;
  /** Takes what a client sent, before any answer to it. */
  sent(body: string, headers: Readonly<Record<string, string>>): void;
  /** Fails where a line holds what it must not. */
  check(): void;
}

/** A new watch. */
export const watchLogs = (): WatchedLogs => {
  const lines: string[] = [];
  const secrets = new Set<string>();
  return {
    lines,
    log: (line) => void lines.push(line),
    sent: (body, headers) => {
      for (const secret of [...secretsIn(body), ...proofsIn(headers)]) secrets.add(secret);
    },
    check: () => {
      const all = lines.join('\n');
      const told = [...secrets].filter((secret) => all.includes(secret));
      const inLines = lines.filter((line) => told.some((secret) => line.includes(secret)));
      expect(inLines, 'lines that hold what a client sent').toEqual([]);
      const strange = lines.filter((line) => unchosenIn(line).length > 0);
      expect(strange, 'lines with fields that are not chosen').toEqual([]);
    },
  };
};

/** Shorter texts would be found in anything. */
const SHORTEST = 8;

/** The fields of a body whose values are a client's own words. */
const OWN_WORDS = /"(?:reference|name|reason|metadata)"\s*:\s*("(?:[^"\\]|\\.)*"|\{[^}]*\})/g;

/** A body itself, and its client's own words in it. */
const secretsIn = (body: string): readonly string[] =>
  [
    body,
    ...[...body.matchAll(OWN_WORDS)].map(([, value = '']) => value.replaceAll('"', '')),
  ].filter(({ length }) => length >= SHORTEST);

const proofsIn = (headers: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(headers).flatMap(([name, value]) =>
    ['authorization', 'cookie'].includes(name.toLowerCase())
      ? [value, value.replace(/^Bearer /i, '')].filter(({ length }) => length >= SHORTEST)
      : [],
  );

/** What Powertools and the embedded metric format write besides. */
const OTHERS = new Set([
  ...['level', 'message', 'timestamp', 'service', 'cold_start', 'function_arn', 'function_name'],
  ...['function_memory_size', 'function_request_id', '_aws', 'sampling_rate', 'xray_trace_id'],
]);

const OF_AN_ERROR = new Set([
  ...['name', 'message', 'code', 'status', 'requestId', 'cancellationReasons', 'stack', 'cause'],
]);

/** Names of metrics are in capitals; a field never begins with one. */
const METRIC = /^[A-Z]/;

/**
 * The fields of a line that are not chosen. A line that is no JSON is one of a stack, says what an
 * error that was thrown is called, or at which field an input is wrong.
 */
const unchosenIn = (line: string): readonly string[] => {
  const fields = asObject(line);
  if (!fields) return /^\s+at |^\s+→ at [\w.[\]]+$|^[\w.]+: /.test(line) ? [] : [line];
  const { error, ...others } = fields;
  return [
    ...Object.keys(others).filter(
      (name) =>
        !(chosenFields.has(name) || OTHERS.has(name) || ('_aws' in fields && METRIC.test(name))),
    ),
    ...unchosenOf(error),
  ];
};

const unchosenOf = (error: unknown): readonly string[] => {
  if (typeof error !== 'object' || error === null) return [];
  return Object.entries(error).flatMap(([name, value]) => {
    if (!OF_AN_ERROR.has(name)) return [name];
    return name === 'cause' ? unchosenOf(value) : [];
  });
};

const asObject = (line: string): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
};
