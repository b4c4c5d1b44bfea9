// The one connection that a server which shares its database with others keeps for itself: by it the server belongs to
// them, says that it is alive, and hears what they say. Work goes by other connections.

export interface LineAnswer {
  rows: Record<string, unknown>[];
}

export interface Line {
  /** Rejects when there is no line, or no answer within `timeoutMs`; the line is then given up and taken anew. */
  query(text: string, values: readonly unknown[], timeoutMs: number): Promise<LineAnswer>;
  /** What members say to each other, in the order of their commits; also what this one says itself. */
  onHeard(hook: (text: string) => void): void;
  /** The line is there again: what was said in between was not heard. */
  onTaken(hook: () => void): void;
  /** While `why` answers, nobody but the line itself uses the database. */
  bar(why: () => Error | undefined): void;
}
