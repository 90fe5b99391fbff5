import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A data directory that only this process uses. */
export interface DataDirectory {
  /** Gives it back, so that another local cloud may use it. */
  release(): void;
}

/** The file with the id of the process that uses the directory. */
const LOCK = 'in-use';

/**
 * Takes a directory for this process: two engines on the same files would lose data. A killed
 * process leaves its mark, which counts for nothing once that process is gone.
 * @param path the directory, which is made if it is not there.
 * @throws {Error} that says why it cannot be used: this process cannot make it or write to it, or
 *   another local cloud uses it.
 */
export const takeDataDirectory = (path: string): DataDirectory => {
  const lock = join(path, LOCK);
  try {
    make(path);
    mark(lock);
  } catch (error) {
    throw new Error(`The directory ${path}, given by --data, cannot be used: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return { release: () => rmSync(lock, { force: true }) };
};

/** The file with the access key id under which DynamoDB Local keeps the directory's tables. */
const KEY = 'access-key';

/**
 * The key of directories that were made before each had one of its own, and of engines that
 * somebody else started.
 */
export const KNOWN_KEY = 'holdfast';

/**
 * The access key id of the database in DynamoDB Local, which keeps one for each, asks nobody for a
 * secret and listens on every address of this machine: whoever does not know the id finds no table.
 * @param dataDirectory where the id is kept, for this user alone, so that the tables are found
 *   again; absent: they are gone with the process, and so is the id.
 */
export const databaseKey = (dataDirectory: string | undefined): string => {
  const fresh = randomBytes(16).toString('hex');
  if (dataDirectory === undefined) return fresh;
  const file = join(dataDirectory, KEY);
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const isOld = existsSync(join(dataDirectory, 'dynamodb'));
  const key = isOld ? KNOWN_KEY : fresh;
  writeFileSync(file, key, { mode: 0o600 });
  return key;
};

/**
 * Makes a directory one level after the other: Node's own `recursive` never ends where the system
 * says ENOENT of a parent that is there, as in /proc.
 */
const make = (path: string): void => {
  if (existsSync(path)) return;
  make(dirname(path));
  mkdirSync(path);
};

const mark = (lock: string): void => {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
  } catch (error) {
    if (!isThereAlready(error)) throw error;
    const user = Number(readFileSync(lock, 'utf8'));
    if (isRunning(user)) {
      const why = `another local cloud uses it (process ${user}). Stop that one, or give another --data directory`;
      throw new Error(`${why}. If there is none, delete ${lock}.`, { cause: error });
    }
    writeFileSync(lock, String(process.pid));
  }
};

/**
 * Signal 0 only asks whether a process is there. One of another user refuses the question, and so
 * runs.
 */
const isRunning = (pid: number): boolean => {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
};

const isThereAlready = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EEXIST';

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
