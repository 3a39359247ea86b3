import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { MuseError } from '../../shared/error.ts';

/**
 * Reads the certificates that verify a server's certificate.
 * @param path of a PEM file
 * @returns its text; each certificate in it can be read
 * @throws MuseError `bad-certificate`
 */
export async function readCertificates(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw bad(path, 'cannot be read', 'Give the path of a PEM file', cause);
  }
  const blocks =
    text.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED )?CERTIFICATE-----/g) ?? [];
  const advice = 'Give the PEM file of the certificate authority ("-----BEGIN CERTIFICATE-----")';
  if (blocks.length === 0) throw bad(path, 'holds no certificate', advice);
  try {
    blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    throw bad(path, 'holds a certificate that is damaged', advice, cause);
  }
  return text;
}

function bad(path: string, what: string, advice: string, cause?: unknown): MuseError {
  return new MuseError({
    code: 'bad-certificate',
    message: `The certificate file ${path} ${what}. Nothing was connected to.`,
    suggestion: `${advice}; Supabase's is in the dashboard: Database, Settings, SSL configuration.`,
    cause,
  });
}

/** OpenSSL's codes for a chain that does not end in a trusted certificate. */
const strangers = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
]);

/** Why a server's certificate does not verify, by Node's code; undefined for other errors. */
export function certificateTrouble(code: string, text: string): { what: string; suggestion: string } | undefined {
  const refused = 'Nothing was sent.';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return {
      what: `shows a certificate for another host name. ${refused}`,
      suggestion:
        'Check the host: something else may answer in its place. It must be reached by a name that its certificate has.',
    };
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return {
      what: `shows a certificate that ${code === 'CERT_HAS_EXPIRED' ? 'has expired' : 'is not valid yet'}. ${refused}`,
      suggestion: "Check this machine's clock; else the server needs a new certificate.",
    };
  }
  if (!strangers.has(code) && !/certificate|self.signed/i.test(text)) return undefined;
  return {
    what: `shows a certificate that is signed by no authority that was given (--db-ca). ${refused}`,
    suggestion:
      "Give the file of this server's own authority: Supabase's is in the dashboard, Database, Settings, SSL " +
      "configuration. Where it is the right one, something else answers in the server's place.",
  };
}
