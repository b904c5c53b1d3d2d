/** Answers that say why, as text for programs and as a page for people. */

import type { Remedy } from "./guard.ts";

/** A plain answer. */
export function text(
  status: number,
  body: string,
  headers: Record<string, string> = {},
): Response {
  return new Response(`${body}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...headers },
  });
}

/** What an answer says. */
export interface Explanation {
  readonly status: number;
  /** A few words, for people. */
  readonly title: string;
  /** A sentence without its full stop. */
  readonly reason: string;
  readonly remedies?: readonly Remedy[];
  readonly headers?: Record<string, string>;
}

/**
 * Says why a request gets nothing else: one line of text to a program, a page
 * to a browser that would show it. The page needs no other file, as each would
 * be refused likewise, and no script.
 */
export function explain(
  request: Request,
  explanation: Explanation,
): Response {
  const { status, title, reason, remedies = [], headers = {} } = explanation;
  const all = { "cache-control": "no-store", vary: "Accept", ...headers };
  if (!isShown(request)) {
    return text(status, `${adviceIn(explanation)}.`, all);
  }
  const page = renderPage(title, reason, remedies);
  return new Response(request.method === "HEAD" ? null : page, {
    status,
    headers: {
      ...all,
      "content-type": "text/html; charset=utf-8",
      "content-security-policy":
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; " +
        "form-action 'none'; frame-ancestors 'none'",
      "referrer-policy": "same-origin",
      "x-content-type-options": "nosniff",
    },
  });
}

/** Why, and what would help, in one sentence without its full stop. */
export function adviceIn({ reason, remedies = [] }: Explanation): string {
  const advice = remedies
    .map(({ when, setting }) => `${setting} if ${when}`).join(", or ");
  return reason + (advice ? `: set ${advice}` : "");
}

function isShown({ headers }: Request): boolean {
  return !headers.has("upgrade") &&
    /\btext\/html\b/i.test(headers.get("accept") ?? "");
}

function renderPage(
  title: string,
  reason: string,
  remedies: readonly Remedy[],
): string {
  const advice = remedies.map(({ when, setting }) =>
    `<p>If ${escape(when)}, whoever runs it sets</p>
      <pre>${escape(setting)}</pre>`
  );
  return `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${escape(title)} · Sluice</title>
    <style>
      body { max-width: 34rem; margin: 12vh auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif }
      h1 { font-size: 1.25rem }
      pre { padding: .5rem .75rem; border: 1px solid; border-radius: 7px; white-space: pre-wrap; overflow-wrap: anywhere }
      p { overflow-wrap: anywhere }
    </style>
  </head>
  <body>
    <main>
      <h1>${escape(title)}</h1>
      <p>${escape(reason)}.</p>
      ${advice.join("\n      ")}
    </main>
  </body>
</html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

function escape(value: string): string {
  return value.replace(/[&<>"]/g, (char) => ENTITIES[char] ?? char);
}
