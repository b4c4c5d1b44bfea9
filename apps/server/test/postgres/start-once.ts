// Before the tests that run on PostgreSQL: one server for all of them, and in it a database of today's schema to copy.

import type { TestProject } from "vitest/node";
import { Storage } from "../../src/storage/storage.ts";
import { startCluster } from "./cluster.ts";

export const templateName = "template_flipside";

declare module "vitest" {
  export interface ProvidedContext {
    /** Address of a database that is there always. */
    postgres: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cluster = await startCluster();
  try {
    const pg = await import("pg");
    const client = new pg.default.Client({ connectionString: cluster.urlOf("postgres") });
    await client.connect();
    await client.query(`create database ${templateName}`);
    await client.end();
    await (await Storage.open({ url: cluster.urlOf(templateName) }, { onError: () => {} })).close();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  project.provide("postgres", cluster.urlOf("postgres"));
  return () => cluster.stop();
}
