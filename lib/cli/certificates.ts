/** The files of certificates and keys that settings name. */

import { errorMessage } from "../base/error_message.ts";
import type { ClientCertificate, ClientSettings } from "../threads/clients.ts";
import { UsageError, useOrRefuse } from "./usage.ts";

/** The settings that name files of certificates and keys; null for none. */
export interface CertificateSettings {
  readonly caFile: string | null;
  readonly clientCert: string | null;
  /** Null, too, if the file of the certificate holds the key. */
  readonly clientKey: string | null;
}

/**
 * Reads the authorities to trust, and the certificate to show to origins.
 *
 * @throws {UsageError} if a file is of no use.
 */
export async function readCertificates(
  { caFile, clientCert, clientKey }: CertificateSettings,
): Promise<Pick<ClientSettings, "caCerts" | "clientCertificate">> {
  return {
    caCerts: caFile === null ? [] : [await readCaFile("CA_FILE", caFile)],
    clientCertificate: clientCert === null && clientKey === null
      ? null
      : await readOwnCertificate(clientCert, clientKey),
  };
}

/**
 * Reads authorities in PEM.
 *
 * @param setting What named the file.
 * @throws {UsageError} if it is of no use.
 */
export async function readCaFile(
  setting: string,
  path: string,
): Promise<string> {
  return await useOrRefuse(setting, async () => {
    const certificates = await readPem(path, "CERTIFICATE");
    // Workers make theirs when the first download begins: too late to say so.
    Deno.createHttpClient({ caCerts: [certificates] }).close();
    return certificates;
  });
}

/** One file may hold both the certificate and its key. */
async function readOwnCertificate(
  certPath: string | null,
  keyPath: string | null,
): Promise<ClientCertificate> {
  if (certPath === null) {
    throw new UsageError("CLIENT_KEY is of no use without CLIENT_CERT.");
  }
  const cert = await useOrRefuse(
    "CLIENT_CERT",
    () => readPem(certPath, "CERTIFICATE"),
  );
  const key = await useOrRefuse(
    keyPath === null ? "CLIENT_CERT without CLIENT_KEY" : "CLIENT_KEY",
    () => readPem(keyPath ?? certPath, "(?!ENCRYPTED)([A-Z]+ )?PRIVATE KEY"),
  );
  return await useOrRefuse("CLIENT_CERT with its key", () => {
    try {
      Deno.createHttpClient({ cert, key }).close();
    } catch (error) {
      throw new Error(pairFault(errorMessage(error)));
    }
    return Promise.resolve({ cert, key });
  });
}

/** What is wrong with a certificate and a key, by rustls's words. */
function pairFault(words: string): string {
  if (/UnsupportedCertVersion/.test(words)) {
    return "it is of X.509 v1, which Deno does not show: have it signed as v3";
  }
  return /KeyMismatch/.test(words) ? "the key is another's" : words;
}

async function readPem(path: string, label: string): Promise<string> {
  const text = await Deno.readTextFile(path);
  if (new RegExp(`-----BEGIN ${label}-----`).test(text)) return text;
  throw new Error(
    label === "CERTIFICATE"
      ? "there is no certificate in PEM in it"
      : "there is no key in PEM in it, or it is encrypted",
  );
}
