// Topic filters (MQTT 3.1.1, section 4.7): which topics a subscription is for.

/** Whether it names more than one topic. */
export const hasWildcard = (filter: string): boolean => filter.includes("+") || filter.includes("#");

/** `filter` is well-formed: `#` stands alone at its end, `+` alone between two levels. */
export function filterMatches(filter: string, topic: string): boolean {
  const wanted = filter.split("/");
  const levels = topic.split("/");
  for (const [i, level] of wanted.entries()) {
    if (level === "#") return true;
    if (i >= levels.length || (level !== "+" && level !== levels[i])) return false;
    // Section 4.7.1.2: "sport/tennis/#" is also for "sport/tennis".
    if (i === levels.length - 1 && wanted.length === i + 2 && wanted[i + 1] === "#") return true;
  }
  return wanted.length === levels.length;
}
