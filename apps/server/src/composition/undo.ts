/** What a start has done so far and has to be taken back, last first, when it fails or the server ends. */
export type Undo = (() => Promise<void> | void)[];

export async function takeBack(undo: Undo): Promise<void> {
  for (const step of undo.splice(0).reverse()) await step();
}
