import { request } from "./http.ts";
import type { Trust } from "./types.ts";

export const getTrust = (): Promise<Trust> => request("GET", "/api/trust");

/** Hands the server a trust chain that goes on from its own. */
export const uploadTrust = (file: Blob): Promise<Trust> => request("POST", "/api/trust", file);
