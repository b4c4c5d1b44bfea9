// One reference server for tests: what a server of docs/protocol.md does with a device that it is connected to, the
// shortest way. It remembers nothing itself: what it knows of the connection is a value, given and given back, and what
// it wants of the device, keeps of it or does otherwise is the policy's. The form of what a device says is believed;
// the fleet manager looks at it by messages.ts.

import { utf8 } from "#primitives";
import type { CheckIn, CommandAnswer, EnrolBegin, EnrolProof, Fetch, Hello, LogPart, Proof } from "../messages.ts";
import { ConnectReturn } from "../mqtt/write.ts";
import { type DeviceLeaf, principalOf } from "../topics.ts";
import { sessionRefusal } from "../server-messages.ts";
import { tell } from "./answers.ts";
import { type Connection, newConnection, type Session, sessionOf, withSession } from "./connection.ts";
import { enrol } from "./enrolment.ts";
import type { Policy, Report, Say } from "./policy.ts";
import { hello, proof } from "./session.ts";

/** A device connects: with its secret, or to be given one. */
export function admit(
  policy: Policy,
  userName: string,
  password: string | undefined,
): { code: ConnectReturn; connection: Connection } {
  const who = principalOf(userName);
  const isAdmitted =
    who?.deviceId === policy.deviceId && (who.enrolling || (password !== undefined && policy.knows(password)));
  return {
    code: isAdmitted ? ConnectReturn.Accepted : ConnectReturn.UserNameOrPassword,
    connection: newConnection(password ?? ""),
  };
}

/** The device has published this. Throws where it is no JSON. */
export function hear(
  connection: Connection,
  leaf: DeviceLeaf,
  payload: Uint8Array,
  policy: Policy,
  say: Say,
): Connection {
  const message = JSON.parse(utf8(payload)) as {
    session: string;
  };
  switch (leaf) {
    case "enrol":
      return enrol(connection, message as unknown as EnrolBegin | EnrolProof, policy, say);
    case "hello":
      return hello(connection, message as Hello, policy, say);
    case "proof":
      return proof(connection, message as Proof, policy, say);
  }
  const session = sessionOf(connection, message.session);
  if (session?.stage === "accepted") return inSession(connection, session, leaf, message, policy, say);
  if (!policy.isSilent?.(leaf)) tell(say, sessionRefusal(message.session, "session-unknown"));
  return connection;
}

function inSession(
  connection: Connection,
  session: Session,
  leaf: DeviceLeaf,
  message: object,
  policy: Policy,
  say: Say,
): Connection {
  switch (leaf) {
    case "check-in":
    case "state": {
      const { boot, sequence } = message as CheckIn & Report;
      if (!isNewer(session, boot, sequence)) return connection;
      if (leaf === "check-in") policy.checkedIn?.(message as CheckIn, session, say);
      else policy.reported?.(message as Report, session, say);
      return withSession(connection, { ...session, newest: { boot, sequence } });
    }
    case "fetch":
      policy.fetched?.(message as Fetch, session, say);
      break;
    case "answer":
      policy.answered?.(message as CommandAnswer);
      break;
    case "log":
      if ("part" in message) policy.logged?.(message as LogPart);
  }
  return connection;
}

function isNewer({ newest }: Session, boot: number, sequence: number): boolean {
  return newest === undefined || boot > newest.boot || (boot === newest.boot && sequence > newest.sequence);
}
