// What a server knows of a device's connection. A value: it is never changed, only followed by another, so that it can
// be kept, compared, and gone back to.

/**
 * How far a session has come:
 *   begun     the device has said hello, and its proof has not come
 *   proven    its proof was taken; the server has not answered
 *   accepted  the server has proved itself too: all else may be said
 *   over      refused, or told what does not hold
 */
export type Stage = "begun" | "proven" | "accepted" | "over";

/** Texts as the messages have them. */
export interface Session {
  id: string;
  /** The server's. */
  nonce: string;
  /** The device's, and its signature: "" before its proof. */
  deviceNonce: string;
  signature: string;
  stage: Stage;
  /** The newest (boot counter, sequence) that was heard. */
  newest: { boot: number; sequence: number } | undefined;
}

/** One that was begun. */
export interface Enrolment {
  nonce: string;
  serverNonce: string;
  publicKey: string;
  /** Its second step has come: the server's nonce is good once. */
  isUsed: boolean;
}

export interface Connection {
  /** What the device has connected with: base64url of its secret, if it has one. */
  secret: string;
  enrolment: Enrolment | undefined;
  /** Oldest first. When one is proven, those that were begun before it are gone. */
  sessions: readonly Session[];
}

export const newConnection = (secret: string): Connection => ({ secret, enrolment: undefined, sessions: [] });

export const sessionOf = ({ sessions }: Connection, id: string): Session | undefined =>
  sessions.find((session) => session.id === id);

/** With this one in the place of the one of its id. */
export const withSession = (connection: Connection, session: Session): Connection => ({
  ...connection,
  sessions: connection.sessions.map((other) => (other.id === session.id ? session : other)),
});
