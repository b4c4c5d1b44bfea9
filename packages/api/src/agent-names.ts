// What speaks for a device: our agent, or another one by the interface of the server that it was made for.

export const agentNames = ["flipside", "hawkbit", "mender", "aws-iot"] as const;
