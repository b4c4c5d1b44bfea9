// /api/v1/attention

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import type { Attention } from "./attention.ts";

export const attentionRoutes = (attention: Attention): BoundRoute[] => [
  bind(routes.listAttention, ({ user }) => attention.list(user)),
];
