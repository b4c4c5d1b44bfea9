// Sessions of people: one for each sign-in. One's own, and everybody's.

import { z } from "zod";
import { json, named, nothing, route } from "../route.ts";
import { idParams, time } from "./forms.ts";
import { next, pageQuery } from "./pages.ts";

export const userSession = named(
  "UserSession",
  z.strictObject({
    id: z.string(),
    userName: z.string(),
    startedAt: time,
    lastSeenAt: time.describe("to the minute"),
    endsAt: time,
    address: z.string().describe("that the sign-in came from"),
    client: z.string().describe("what the browser or program called itself"),
    isCurrent: z.boolean().describe("it is the one that asks"),
  }),
);

const page = json(named("UserSessionList", z.strictObject({ sessions: z.array(userSession), next })));

export const listOwnSessions = route({
  method: "GET",
  path: "/api/v1/session/all",
  access: "in-person",
  summary: "One's own sessions, the newest first",
  query: z.object(pageQuery),
  status: 200,
  answer: page,
});

export const endOwnSession = route({
  method: "DELETE",
  path: "/api/v1/session/all/:id",
  access: "in-person",
  summary: "End one of one's own sessions",
  params: idParams,
  status: 204,
  answer: nothing,
});

export const listSessions = route({
  method: "GET",
  path: "/api/v1/sessions",
  access: "accounts:manage",
  summary: "Everybody's sessions, the newest first",
  query: z.object(pageQuery),
  status: 200,
  answer: page,
});

export const endSession = route({
  method: "DELETE",
  path: "/api/v1/sessions/:id",
  access: "accounts:manage",
  summary: "End anybody's session",
  params: idParams,
  status: 204,
  answer: nothing,
});
