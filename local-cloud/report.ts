/** Takes the local cloud's messages. */
export interface Report {
  /** A part of the start is done. */
  step(line: string): void;
  /** Something failed that the user should hear of. One line. */
  warn(line: string): void;
  /** A line that a function wrote to its log. */
  log(functionName: string, line: string): void;
}
