// One message to a mailbox, by the operator's own mail server (RFC 5321): a connection of its own, encrypted before
// anything is said, and a deadline for all of it. That server may be anywhere, also in the own network: whoever may
// make webhooks has no say in where it is.

import { connect, type Socket } from "node:net";
import { createTransport } from "nodemailer";
import { withUnseenWrittenOut } from "../../plain-text.ts";
import type { SmtpOptions } from "./smtp-options.ts";

const answerCharactersMax = 512;

export interface MailMessage {
  /** Of the delivery: the message has the same Message-ID at each try. */
  id: string;
  to: string;
  subject: string;
  text: string;
  /** When it happened; the same at each try, as all of the message is. */
  date: Date;
}

export interface MailOutcome {
  /** Of SMTP's last reply; undefined: there was none. */
  status?: number;
  /** The first characters of that reply. */
  body?: string;
  /** Null: it was taken. */
  problem: string | null;
  /** It would be refused again. */
  isFinal: boolean;
}

/** Never rejects. */
export type Mail = (message: MailMessage) => Promise<MailOutcome>;

/** What nodemailer says of what went wrong. */
interface SmtpError extends Error {
  code?: string;
  responseCode?: number;
  response?: string;
  /** That was answered with it: "RCPT TO", "DATA", "AUTH PLAIN". */
  command?: string;
}

const refused: Record<string, string> = {
  "RCPT TO": "the recipient was refused",
  DATA: "the message was refused",
  "MAIL FROM": "the sender was refused",
  AUTH: "the sign-in was refused",
  STARTTLS: "the mail server has no TLS, which is required: it answered",
};

/** Replies to what the message is and whom it is for; all else is up to the mail server and its settings. */
const ofMessage = new Set(["RCPT TO", "DATA"]);

function outcomeOf(error: SmtpError, timeoutMs: number): MailOutcome {
  const { code, responseCode: status, response = "", command = "" } = error;
  if (code === "EABORT" || code === "ETIMEDOUT")
    return { problem: `there was no answer within ${timeoutMs / 1000} s`, isFinal: false };
  if (status === undefined) {
    const said = withUnseenWrittenOut(error.message.replace(/\s+/g, " "));
    return { problem: said || String(code), isFinal: false };
  }
  const what = refused[command.startsWith("AUTH") ? "AUTH" : command] ?? "it was answered";
  return {
    ...{ status, body: response.slice(0, answerCharactersMax), problem: `${what} with ${status}` },
    isFinal: status >= 500 && ofMessage.has(command),
  };
}

/** By the system's look-up, which knows names of the machine's and of containers as well; nodemailer asks DNS alone. */
function opening({ host, port }: SmtpOptions, timeoutMs: number) {
  return (_options: unknown, done: (error: Error | null, opened?: { connection: Socket }) => void): void => {
    const socket = connect({ host, port });
    const late = new Error(`there was no connection within ${timeoutMs / 1000} s`);
    const timer = setTimeout(() => socket.destroy(late), timeoutMs);
    const failed = (error: Error): void => {
      clearTimeout(timer);
      done(error);
    };
    socket.once("error", failed);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("error", failed);
      done(null, { connection: socket });
    });
  };
}

export function createMail({ smtp, timeoutMs }: { smtp: SmtpOptions; timeoutMs: number }): Mail {
  const { host, port, isTlsAtOnce, userName, password, from, tls, ca } = smtp;
  const transport = createTransport({
    ...{ host, port, secure: isTlsAtOnce, requireTLS: !isTlsAtOnce && tls === "required", ignoreTLS: tls === "none" },
    tls: { rejectUnauthorized: true, minVersion: "TLSv1.2", ...(ca === undefined ? {} : { ca }) },
    // Where one is to sign in, nothing is sent without that.
    ...(userName === undefined ? {} : { auth: { user: userName, pass: password ?? "" }, forceAuth: true }),
    ...{
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      socketCloseTimeout: 1_000,
    },
    ...{ getSocket: opening(smtp, timeoutMs), disableFileAccess: true, disableUrlAccess: true },
  });
  const domain = from.address.slice(from.address.lastIndexOf("@") + 1);
  return async ({ id, to, subject, text, date }) => {
    try {
      const { response } = await transport.sendMail({
        ...{ from, to: { name: "", address: to }, subject, text, date, messageId: `<${id}@${domain}>`, xMailer: false },
        // RFC 3834: no program that answers by itself is to answer this.
        headers: { "Auto-Submitted": "auto-generated" },
        signal: AbortSignal.timeout(timeoutMs),
      });
      const status = Number(/^\d{3}/.exec(response)?.[0] ?? 250);
      return { status, body: response.slice(0, answerCharactersMax), problem: null, isFinal: false };
    } catch (error) {
      return outcomeOf(error as SmtpError, timeoutMs);
    }
  };
}
