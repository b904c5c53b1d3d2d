/** A wrong use of the program: one line, exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
