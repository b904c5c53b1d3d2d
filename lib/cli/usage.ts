import { errorMessage } from "../base/error_message.ts";

/** A wrong use of the program: one line, exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * Uses what a setting names, such as a file.
 *
 * @throws {UsageError} naming the setting, and why it cannot be used.
 */
export async function useOrRefuse<Value>(
  setting: string,
  use: () => Promise<Value>,
): Promise<Value> {
  try {
    return await use();
  } catch (error) {
    const reason = errorMessage(error);
    throw new UsageError(`${setting} cannot be used: ${reason}.`);
  }
}
