// /api/broker/<secret>/…: for a broker, which has no account. Whoever does not know the secret finds nothing there.

import { type RequestHandler, Router, urlencoded } from "express";
import { equalInConstantTime } from "../sessions/mac.ts";
import type { BrokerRights, Question } from "./broker-rights.ts";

/** A connection of a device takes some thirty questions: this lets a hundred connect in a second, and the event loop breathe. */
const QUESTIONS_PER_SECOND_MAX = 3_000;
const UNDER_WAY_MAX = 128;

const kinds = ["user", "vhost", "resource", "topic"] as const;

export function brokerRightsRoutes(rights: BrokerRights, secret: string, monotonicMs: () => number): Router {
  const router = Router();
  let secondBegan = -Infinity;
  let asked = 0;
  let underWay = 0;

  const guard: RequestHandler = (request, response, next) => {
    if (!equalInConstantTime(Buffer.from(String(request.params["secret"])), Buffer.from(secret))) {
      next("router");
      return;
    }
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

  for (const kind of kinds) {
    router.post(`/broker/:secret/${kind}`, guard, urlencoded({ extended: false, limit: "8kb" }), async (request, response) => {
      const form = request.body as Record<string, unknown>;
      const question: Question = {};
      for (const [name, value] of Object.entries(form)) if (typeof value === "string") question[name] = value;
      underWay++;
      try {
        response.type("text/plain").send((await rights[kind](question)) ? "allow" : "deny");
      } finally {
        underWay--;
      }
    });
  }
  return router;
}
