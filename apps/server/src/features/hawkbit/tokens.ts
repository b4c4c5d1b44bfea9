// What a device's agent, or a gateway for all of them, shows in a request.

export interface GivenToken {
  kind: "target" | "gateway";
  token: string;
}

/** As the header `Authorization` has it; undefined: none that is meant for here. */
export function tokenIn(authorization: string | undefined): GivenToken | undefined {
  const [, scheme, token] = /^(TargetToken|GatewayToken) +(\S{1,512}) *$/i.exec(authorization ?? "") ?? [];
  if (scheme === undefined || token === undefined) return undefined;
  return { kind: scheme.toLowerCase() === "targettoken" ? "target" : "gateway", token };
}
