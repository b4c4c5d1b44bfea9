// The operator's mail server, as it is given at the start.

import { isMailbox } from "@flipside/api/webhook-url";
import { isPlainText } from "@flipside/api/plain-text";

export interface SmtpServer {
  /** A name, or an IP address without brackets. */
  host: string;
  port: number;
  /** TLS from the first byte (smtps:), and not by STARTTLS (RFC 8314, 3.3). */
  isTlsAtOnce: boolean;
  /** Undefined: nobody signs in. */
  userName: string | undefined;
}

export interface SmtpFrom {
  /** As mail programs show it; may be "". */
  name: string;
  address: string;
}

export interface SmtpOptions extends SmtpServer {
  password: string | undefined;
  from: SmtpFrom;
  /** "none": in clear, and nobody signs in. */
  tls: "required" | "none";
  /** PEM of the roots that its certificate may come from; undefined: those of Node. */
  ca: string | undefined;
}

const portOf = { "smtp:": 587, "smtps:": 465 };
const form = "an address such as smtp://user@mail.example:587 or smtps://mail.example is wanted";

/** Throws Error for people, which quotes nothing: there may be a password in it. */
export function parseSmtpUrl(text: string): SmtpServer {
  if (!URL.canParse(text)) throw new Error(form);
  const url = new URL(text);
  const isSmtp = url.protocol === "smtp:" || url.protocol === "smtps:";
  if (!isSmtp || url.hostname === "" || !/^\/?$/.test(url.pathname)) throw new Error(form);
  if (url.search !== "" || url.hash !== "") throw new Error("without ? and #");
  if (url.password !== "")
    throw new Error("without its password, which others could read here: --smtp-password-file or SMTP_PASSWORD has it");
  let userName: string;
  try {
    userName = decodeURIComponent(url.username);
  } catch {
    throw new Error("of the user's name, % is written %25");
  }
  if (!isPlainText(userName)) throw new Error("the user's name holds characters that are not seen");
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? portOf[url.protocol as keyof typeof portOf] : Number(url.port),
    isTlsAtOnce: url.protocol === "smtps:",
    userName: userName === "" ? undefined : userName,
  };
}

/** `flipside@example.org`, or with a name before it: `Flipside <flipside@example.org>`. Throws Error for people. */
export function parseSmtpFrom(text: string): SmtpFrom {
  const [, name = "", inBrackets] = /^(.*)<([^<>]*)>$/s.exec(text.trim()) ?? [];
  const from = { name: name.trim(), address: inBrackets ?? text.trim() };
  if (!isMailbox(from.address) || !isPlainText(from.name) || /[<>"]/.test(from.name))
    throw new Error("a sender such as flipside@example.org or Flipside <flipside@example.org> is wanted");
  return from;
}
