/** The bodies of requests. */

/**
 * The body of a request as text; null if it is longer than `longest` bytes, or
 * does not come whole.
 */
export async function bodyOf(
  request: Request,
  longest: number,
): Promise<string | null> {
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  try {
    for await (const part of request.body ?? []) {
      length += part.length;
      if (length > longest) return null;
      text += decoder.decode(part, { stream: true });
    }
  } catch {
    return null;
  }
  return text + decoder.decode();
}
