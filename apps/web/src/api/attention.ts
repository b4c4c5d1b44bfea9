import type { AttentionItem } from "@flipside/api/types";
import { api } from "./http.ts";

/** What needs a person, the most pressing first. */
export const listAttention = async (): Promise<AttentionItem[]> => (await api("GET /api/v1/attention")).items;
