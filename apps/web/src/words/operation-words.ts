// Operations of the interface, as people read them: their names say what they do.

/** "createRollout" as "create rollout". */
export const operationWords = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).trim();

/** What it was about, and with what: a line of text for whatever was asked for. */
export function askedWords(on: Readonly<Record<string, string>>, asked: unknown): string {
  const about = Object.entries(on).map(([name, value]) => `${name} ${value}`);
  const text = asked === null || asked === undefined ? "" : JSON.stringify(asked);
  return [...about, ...(text === "" || text === "{}" ? [] : [text])].join(", ");
}
