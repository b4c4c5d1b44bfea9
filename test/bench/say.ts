/** What is under way, for people: figures go to standard output. */
export const say = (text: string): void => void process.stderr.write(`bench: ${text}\n`);
