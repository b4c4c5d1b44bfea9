import type { Trust, TrustSpread } from "@flipside/api/types";
import { api } from "./http.ts";

export const getTrust = (): Promise<Trust> => api("GET /api/v1/trust");

export const getTrustSpread = (): Promise<TrustSpread> => api("GET /api/v1/trust/spread");

/** Hands the server a trust chain that goes on from its own. */
export const uploadTrust = (file: Blob): Promise<Trust> => api("POST /api/v1/trust", { body: file });
