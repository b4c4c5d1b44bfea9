// What of the configuration each feature is given that a server may have or not: other agents' devices, TLS, a provider
// that people sign in at, a mail server. Secrets come from files or the environment, never from the command line.

import { readFileSync } from "node:fs";
import type { Configuration } from "./configuration.ts";
import type { AwsIotOptions } from "./features/aws-iot/aws-iot.ts";
import { readGatewayToken } from "./features/hawkbit/gateway-token.ts";
import type { HawkbitOptions } from "./features/hawkbit/hawkbit.ts";
import type { MenderOptions } from "./features/mender/mender.ts";
import type { OidcOptions } from "./features/oidc/oidc-options.ts";
import type { SmtpOptions } from "./features/webhooks/smtp-options.ts";
import type { TlsOptions } from "./mqtt/tls-door.ts";
import { givenSecret } from "./secret-file.ts";
import { StartError } from "./start-error.ts";

/** MQTT over TLS; undefined: it is not served. */
export function tlsIn({ mqttTlsPort, mqttTlsCert, mqttTlsKey }: Configuration): TlsOptions | undefined {
  if (mqttTlsPort === undefined) return undefined;
  return { port: mqttTlsPort, certificateFile: mqttTlsCert!, keyFile: mqttTlsKey! };
}

/** Devices of AWS IoT; undefined: they are not served. */
export function awsIotIn({ awsIot, awsIotDownloadsAt }: Configuration): AwsIotOptions | undefined {
  return awsIot ? { downloadsAt: () => awsIotDownloadsAt! } : undefined;
}

/** What of it is hawkBit's interface; undefined: it is not spoken. `token`: of the gateway, from the environment. */
export function hawkbitIn(configuration: Configuration, token: string | undefined): HawkbitOptions | undefined {
  const { hawkbit, hawkbitPollMs: pollMs, hawkbitGatewayTokenFile: file } = configuration;
  if (!hawkbit) return undefined;
  return {
    pollMs,
    gatewayToken: readGatewayToken(file, token),
    gatewayEnrols: configuration.hawkbitGatewayEnrols,
    certificateHeader: configuration.hawkbitCertificateHeader,
  };
}

/** The same of Mender's. */
export const menderIn = ({ mender, menderPollMs: pollMs }: Configuration): MenderOptions | undefined =>
  mender ? { pollMs } : undefined;

/** What of it is the OpenID provider; undefined: there is none. `secret`: the client's, from the environment. */
export function oidcIn(configuration: Configuration, secret: string | undefined): OidcOptions | undefined {
  const { oidcIssuer: issuer, publicUrl, oidcClientId: clientId, oidcRoles: roles } = configuration;
  if (issuer === undefined) return undefined;
  return {
    ...{ issuer, publicUrl: publicUrl!, clientId: clientId!, roles: roles! },
    clientSecret: givenSecret({
      ...{ file: configuration.oidcClientSecretFile, variable: secret, variableName: "OIDC_CLIENT_SECRET" },
      what: "the OpenID client's secret",
    }),
    scope: configuration.oidcScope,
    roleClaims: configuration.oidcRoleClaim === undefined ? ["roles", "groups"] : [configuration.oidcRoleClaim],
    userNameClaim: configuration.oidcUserNameClaim,
    sessionMs: configuration.oidcSessionMinutes * 60_000,
  };
}

/** The mail server; undefined: nothing is sent by e-mail. `secret`: its password, from the environment. */
export function smtpIn(configuration: Configuration, secret: string | undefined): SmtpOptions | undefined {
  const { smtpUrl, smtpFrom, smtpPasswordFile: file, smtpTls: tls, smtpCaFile } = configuration;
  if (smtpUrl === undefined || smtpFrom === undefined) return undefined;
  const what = "the mail server's password";
  const password = givenSecret({ file, variable: secret, variableName: "SMTP_PASSWORD", what });
  if ((password === undefined) !== (smtpUrl.userName === undefined))
    throw new StartError(
      "The mail server's user, in --smtp-url, and its password, by --smtp-password-file or SMTP_PASSWORD, belong together.",
    );
  return { ...smtpUrl, password, from: smtpFrom, tls, ca: rootsIn(smtpCaFile) };
}

/** PEM. */
function rootsIn(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    const text = readFileSync(file, "utf8");
    if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  } catch (error) {
    throw new StartError(`The mail server's roots cannot be read: ${(error as Error).message}`);
  }
  throw new StartError(`${file} has no certificate as PEM.`);
}
