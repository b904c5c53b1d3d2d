/** URLs as people type them, and what curl, too, makes of them. */

/** What is typed, and the URL that is meant. */
export const TYPED_URLS: readonly (readonly [string, string])[] = [
  ["https://example.org/x", "https://example.org/x"],
  ["HTTPS://EXAMPLE.org/X", "HTTPS://EXAMPLE.org/X"],
  ["example.org/x", "http://example.org/x"],
  ["example.org/x?q=http://y/", "http://example.org/x?q=http://y/"],
  ["localhost:8080/x", "http://localhost:8080/x"],
  ["nas/file", "http://nas/file"],
  ["a_b.example/x", "http://a_b.example/x"],
  ["127.0.0.1/x", "http://127.0.0.1/x"],
  ["[::1]/x", "http://[::1]/x"],
  ["[2001:db8::1]:8080/x", "http://[2001:db8::1]:8080/x"],
  ["me@example.org/x", "http://me@example.org/x"],
  ["me:secret@localhost:8080/x", "http://me:secret@localhost:8080/x"],
  ["münchen.example/ä", "http://münchen.example/ä"],
  ["例え.テスト/x", "http://例え.テスト/x"],
  ["☃.example/x", "http://☃.example/x"],
];

/** What is no URL; it stays as it is, and is refused as one. */
export const NO_URLS: readonly string[] = [
  "none",
  "/etc/passwd",
  "//example.org/x",
  "mailto:a",
  "data:text/plain,x",
  "javascript:alert(1)",
  "C:\\x",
  "two words/x",
  "git@example.org:x/y",
];
