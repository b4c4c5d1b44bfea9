// Accounts of devices at a Mosquitto of the operator's own, kept through its dynamic security plugin: requests and
// answers are messages of the server's own connection. Each device has a client, by its secret, and a role that names
// its own leaves; each claim has a client `enrol.<device>` that may enrol. The server's user may administer the plugin
// (docs/operations.md).

import { randomBytes } from "node:crypto";
import type { MqttClient } from "mqtt";
import { TOPIC_ROOT } from "@flipside/image-format";
import type { Logger } from "../logging.ts";
import type { BrokerAccounts } from "./device-link.ts";
import { deviceLeaves, ENROL_PASSWORD, serverLeaves, topicOf } from "@flipside/protocol/topics";

const REQUESTS = "$CONTROL/dynamic-security/v1";
const RESPONSES = `${REQUESTS}/response`;
const ANSWER_MS = 10_000;
/** Of one message; a device takes two. */
const COMMANDS_MAX = 60;

interface Answer {
  correlationData?: string;
  command: string;
  error?: string;
  data?: {
    clients?: string[];
    client?: { roles?: { rolename: string }[] };
    role?: { acls?: { acltype: string; topic: string; allow: boolean }[] };
  };
}

const allow = (acltype: string, topic: string) => ({ acltype, topic, priority: 0, allow: true });

function accountOf(deviceId: string, enrolling: boolean, password: string): { userName: string; commands: object[] } {
  const userName = enrolling ? `enrol.${deviceId}` : deviceId;
  const role = `device.${userName}`;
  const writes = enrolling ? (["enrol"] as const) : deviceLeaves;
  const reads = enrolling ? (["enrolled"] as const) : serverLeaves;
  const acls = [
    ...writes.map((leaf) => allow("publishClientSend", topicOf(deviceId, leaf))),
    ...reads.map((leaf) => allow("subscribeLiteral", topicOf(deviceId, leaf))),
  ];
  return {
    userName,
    commands: [
      { command: "createRole", rolename: role, acls },
      { command: "createClient", username: userName, password, roles: [{ rolename: role }] },
    ],
  };
}

/** Rejects when the plugin doesn't answer, or not to this user. */
export async function openMosquittoAccounts(client: MqttClient, log: Logger): Promise<BrokerAccounts> {
  const waiting = new Map<string, (answers: Answer[]) => void>();
  client.on("message", (topic, payload) => {
    if (topic !== RESPONSES) return;
    const { responses = [] } = JSON.parse(payload.toString()) as { responses?: Answer[] };
    const id = responses[0]?.correlationData;
    if (id !== undefined) waiting.get(id)?.(responses);
  });
  await client.subscribeAsync(RESPONSES, { qos: 1 });

  function ask(commands: object[]): Promise<Answer[]> {
    const correlationData = randomBytes(9).toString("base64url");
    return new Promise<Answer[]>((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(
            new Error(
              "Mosquitto's dynamic security plugin does not answer: is it loaded, and is the server's user its administrator?",
            ),
          ),
        ANSWER_MS,
      );
      waiting.set(correlationData, (answers) => {
        clearTimeout(timer);
        resolve(answers);
      });
      client.publish(
        REQUESTS,
        JSON.stringify({ commands: commands.map((command) => ({ ...command, correlationData })) }),
        { qos: 1 },
        (error) => error && reject(error),
      );
    }).finally(() => waiting.delete(correlationData));
  }

  /** What is there already, or not there any more, is as it should be. */
  async function carryOut(commands: object[]): Promise<void> {
    for (let at = 0; at < commands.length; at += COMMANDS_MAX) {
      for (const { command, error } of await ask(commands.slice(at, at + COMMANDS_MAX))) {
        if (error !== undefined && !/already exists|not found/i.test(error))
          log.warn({ command, reason: error }, "Mosquitto's dynamic security plugin");
      }
    }
  }

  // Not given here: Mosquitto ends the connections of whoever has a role that is changed.
  const [own] = await ask([{ command: "getClient", username: client.options.username }]);
  const roles = own?.data?.client?.roles ?? [];
  const acls = (await Promise.all(roles.map(({ rolename }) => ask([{ command: "getRole", rolename }])))).flatMap(
    ([answer]) => answer?.data?.role?.acls ?? [],
  );
  const mayPublish = acls.some(
    ({ acltype, topic, allow }) =>
      acltype === "publishClientSend" && allow && (topic === `${TOPIC_ROOT}#` || topic === "#"),
  );
  if (!mayPublish)
    throw new Error(
      `its user ${client.options.username} may not publish to devices: it needs a role with publishClientSend for ${TOPIC_ROOT}# (docs/operations.md)`,
    );

  return {
    async sync(claims, devices) {
      const [listed] = await ask([{ command: "listClients", verbose: false, count: -1, offset: 0 }]);
      const there = new Set(listed?.data?.clients);
      const accounts = [
        ...claims.map((id) => accountOf(id, true, ENROL_PASSWORD)),
        ...devices.map(({ id, secret }) => accountOf(id, false, secret)),
      ];
      await carryOut(accounts.filter(({ userName }) => !there.has(userName)).flatMap(({ commands }) => commands));
    },
    mayEnrol: (deviceIds) => carryOut(deviceIds.flatMap((id) => accountOf(id, true, ENROL_PASSWORD).commands)),
    async setSecret(deviceId, secret) {
      await carryOut([
        ...accountOf(deviceId, false, secret).commands,
        { command: "setClientPassword", username: deviceId, password: secret },
      ]);
    },
    remove: (deviceId) =>
      carryOut(
        [deviceId, `enrol.${deviceId}`].flatMap((username) => [
          { command: "deleteClient", username },
          { command: "deleteRole", rolename: `device.${username}` },
        ]),
      ),
  };
}
