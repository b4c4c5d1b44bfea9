// Files of the demonstration, which lie beside the page.

/** Throws, with what the server said, where there is none. */
export async function readBeside(base: string, name: string): Promise<Uint8Array> {
  const response = await fetch(new URL(name, base));
  if (!response.ok) throw new Error(`${name} could not be loaded: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}
