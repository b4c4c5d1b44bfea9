// Both sides prove themselves (docs/protocol.md, "Session"). There is no clock here: a nonce is good once, however
// late.

import { base64url, fromBase64url } from "#primitives";
import { contactMac } from "../macs.ts";
import type { Hello, Proof } from "../messages.ts";
import { sessionAcceptance, sessionChallenge, sessionRefusal } from "../server-messages.ts";
import { tell } from "./answers.ts";
import { type Connection, type Session, sessionOf, withSession } from "./connection.ts";
import { plainMac } from "./plain-mac.ts";
import type { Policy, Say } from "./policy.ts";

const WAITING_MAX = 16;

export function hello(connection: Connection, { session: id }: Hello, policy: Policy, say: Say): Connection {
  const known = sessionOf(connection, id);
  if (known && known.stage !== "begun") return connection;
  const session = known ?? begun(id, policy.nonce("session"));
  if (!policy.isSilent?.("hello")) challenge(session, say);
  return known ? connection : { ...connection, sessions: [...withRoomForOne(connection.sessions), session] };
}

const begun = (id: string, nonce: string): Session => ({
  id,
  nonce,
  deviceNonce: "",
  signature: "",
  stage: "begun",
  newest: undefined,
});

/** The oldest that waits goes where too many do; what is proven stays. */
function withRoomForOne(sessions: readonly Session[]): readonly Session[] {
  const waiting = sessions.filter(({ stage }) => stage === "begun");
  return waiting.length < WAITING_MAX ? sessions : sessions.filter((session) => session !== waiting[0]);
}

/** The nonce that the device is to prove itself by. */
export function challenge({ id, nonce }: Session, say: Say): void {
  tell(say, sessionChallenge(id, nonce));
}

export function proof(connection: Connection, message: Proof, policy: Policy, say: Say): Connection {
  const answer: Say = policy.isSilent?.("proof") ? () => {} : say;
  const { deviceNonce, signature } = message;
  const session = sessionOf(connection, message.session);
  // At QoS 1 it may come twice.
  if (session?.stage === "accepted" && isTheSame(session, message)) {
    tell(answer, sessionAcceptance(session.id, acceptanceMac(connection, session, policy)));
    return connection;
  }
  if (!session || !(policy.takesAnyProof || (session.stage === "begun" && session.nonce === message.nonce))) {
    tell(answer, sessionRefusal(message.session, "expired"));
    return connection;
  }
  if (policy.signatureHolds?.(message) === false) {
    tell(answer, sessionRefusal(session.id, "proof-invalid"));
    return { ...connection, sessions: connection.sessions.filter((other) => other !== session) };
  }
  // Those that were begun before it are over with it: their proofs come too late.
  const sessions = connection.sessions.slice(connection.sessions.indexOf(session));
  const proven: Session = { ...session, deviceNonce, signature, stage: "proven" };
  const after = withSession({ ...connection, sessions }, proven);
  return policy.isSilent?.("proof") ? after : accept(after, proven, policy, answer);
}

const isTheSame = (session: Session, { nonce, deviceNonce, signature }: Proof): boolean =>
  session.nonce === nonce && session.deviceNonce === deviceNonce && session.signature === signature;

/** The server proves itself to a device that has. */
export function accept(connection: Connection, session: Session, policy: Policy, say: Say): Connection {
  tell(say, sessionAcceptance(session.id, acceptanceMac(connection, session, policy)));
  return withSession(connection, { ...session, stage: "accepted" });
}

/** As a server that does not know the device's secret: its MAC is another one. */
export function deceive(connection: Connection, session: Session, policy: Policy, say: Say): Connection {
  const wrong = fromBase64url(acceptanceMac(connection, session, policy));
  wrong[wrong.length - 1]! ^= 1;
  tell(say, sessionAcceptance(session.id, base64url(wrong)));
  return withSession(connection, { ...session, stage: "over" });
}

function acceptanceMac({ secret }: Connection, { id, deviceNonce }: Session, policy: Policy): string {
  return (policy.mac ?? plainMac)(contactMac, secret, { deviceId: policy.deviceId, session: id, deviceNonce });
}
