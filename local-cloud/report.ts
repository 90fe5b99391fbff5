/** Where the local cloud says what happens in it. */
export interface Report {
  /** A part of the start is done. */
  step(line: string): void;
  /** Something failed that whoever runs this should hear of. One line. */
  warn(line: string): void;
  /** A line that a function wrote to its log. */
  log(functionName: string, line: string): void;
}
