import {
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertNotMatch,
} from "@std/assert";
import { DownloadError } from "../../lib/download/errors.ts";
import { connectionError } from "../../lib/origin/connection_error.ts";

/** As `fetch` fails: the reason is in its cause, after the URL. */
function failed(reason: string, url = "https://h.test/f"): TypeError {
  const cause = new Error(`error sending request for url (${url}): ${reason}`);
  return new TypeError("fetch failed", { cause });
}

Deno.test("the reasons for which Deno gets no answer", () => {
  for (
    const [reason, code] of [
      ["tcp connect error: Connection refused (os error 111)", "REFUSED"],
      ["client error (SendRequest): connection closed", "REFUSED"],
      ["dns error: failed to lookup address information", "HOST_UNKNOWN"],
      ["invalid peer certificate: UnknownIssuer", "TLS"],
      ["received corrupt message of type InvalidContentType", "TLS"],
    ] as const
  ) assertEquals(connectionError(failed(reason), "request").code, code, reason);
  const denied = new Deno.errors.NotCapable("Requires net access");
  assertEquals(connectionError(denied, "request").code, "FORBIDDEN_ADDRESS");
  const port = new TypeError("Fetch failed: Requests to port 25 are blocked");
  assertEquals(connectionError(port, "request").code, "BAD_URL");
});

Deno.test("what is wrong with TLS is named", () => {
  for (
    const [reason, message] of [
      ["invalid peer certificate: certificate expired: …", /has expired/],
      ["invalid peer certificate: certificate not valid yet: …", /clock/],
      [
        'invalid peer certificate: certificate not valid for name "a.test"; …',
        /another host name/,
      ],
      ["invalid peer certificate: UnknownIssuer", /CA_FILE/],
      ["invalid peer certificate: Revoked", /revoked/],
      ["Other(OtherError(CaUsedAsEndEntity))", /an authority's/],
      ["Other(OtherError(UnsupportedCertVersion))", /X\.509 v1/],
      ["received fatal alert: CertificateRequired", /CLIENT_CERT.*CLIENT_KEY/],
      ["received fatal alert: UnknownCA", /does not accept.*CLIENT_CERT/],
      ["received fatal alert: HandshakeFailure", /cipher.*CLIENT_CERT/],
      ["received fatal alert: ProtocolVersion", /1\.2 and 1\.3/],
      ["received fatal alert: UnrecognisedName", /no host of this name/],
      ["tls handshake eof", /version or cipher/],
    ] as const
  ) {
    const { code, message: said } = connectionError(failed(reason), "request");
    assertEquals(code, "TLS", reason);
    assertMatch(said, message);
  }
});

Deno.test("the words of a URL are not taken for a reason", () => {
  for (
    const word of ["tls", "certificate", "blocked", "handshake", "dns error"]
  ) {
    const url = `https://${word.replace(" ", ".")}.test/${word} (1).zip`;
    const error = failed("Connection refused", new URL(url).href);
    assertEquals(connectionError(error, "request").code, "REFUSED", word);
  }
});

Deno.test("a body that breaks off is cut, whatever broke it", () => {
  const error = new TypeError("error reading a body from connection");
  assertEquals(connectionError(error, "body").code, "CUT");
  assertEquals(connectionError(null, "body").code, "CUT");
});

Deno.test("no message holds anything of the URL", () => {
  const reasons = [
    "refused",
    "dns error",
    "certificate",
    "tls",
    "blocked",
    "NotCapable",
  ];
  for (const reason of reasons) {
    const error = failed(reason, "https://u:hunter2@h.test/?hunter2");
    assertNotMatch(
      connectionError(error, "request").message,
      /hunter2|h\.test/,
    );
  }
});

Deno.test("an error of our own stays what it is", () => {
  const own = new DownloadError("STALLED", "The origin sent nothing for 30 s.");
  assertEquals(connectionError(own, "body"), own);
  assertInstanceOf(connectionError("text", "body"), DownloadError);
});
