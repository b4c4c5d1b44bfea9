// Asks a PostgreSQL database one thing, beside the server.

import pg from "pg";

/** Its rows, with numbers as the driver gives them: big ones as text. */
export async function query(databaseUrl: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
