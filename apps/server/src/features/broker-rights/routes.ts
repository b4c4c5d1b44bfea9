// /api/v1/broker/<secret>/…: for a broker, which has no account.

import type { RequestHandler } from "express";
import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import type { BrokerRights, Question } from "./broker-rights.ts";

/**
 * A connection of a device takes some thirty questions: this lets a hundred connect in a second, and the event loop
 * breathe.
 */
const QUESTIONS_PER_SECOND_MAX = 3_000;
const UNDER_WAY_MAX = 128;

export function brokerRightsRoutes(rights: BrokerRights, monotonicMs: () => number): BoundRoute[] {
  let secondBegan = -Infinity;
  let asked = 0;
  let underWay = 0;

  const limit: RequestHandler = (_request, response, next) => {
    if (monotonicMs() - secondBegan >= 1_000) {
      secondBegan = monotonicMs();
      asked = 0;
    }
    if (++asked > QUESTIONS_PER_SECOND_MAX || underWay >= UNDER_WAY_MAX) {
      response.setHeader("Retry-After", "1");
      response.status(503).type("text/plain").send("deny");
      return;
    }
    next();
  };

  async function answer(kind: keyof BrokerRights, form: Record<string, string | string[]>): Promise<"allow" | "deny"> {
    const question: Question = {};
    for (const [name, value] of Object.entries(form)) if (typeof value === "string") question[name] = value;
    underWay++;
    try {
      return (await rights[kind](question)) ? "allow" : "deny";
    } finally {
      underWay--;
    }
  }

  const beforeBody = [limit];
  return [
    bind(routes.brokerUser, ({ body }) => answer("user", body), { beforeBody }),
    bind(routes.brokerVirtualHost, ({ body }) => answer("vhost", body), { beforeBody }),
    bind(routes.brokerResource, ({ body }) => answer("resource", body), { beforeBody }),
    bind(routes.brokerTopic, ({ body }) => answer("topic", body), { beforeBody }),
  ];
}
