// Who may do what at a broker of the operator's own, asked by RabbitMQ's HTTP back end (rabbitmq_auth_backend_http):
// the rules of the embedded broker, in the words of AMQP that RabbitMQ's MQTT plugin translates to. What is allowed is
// no more than a device needs: its own queues, the topic exchange, and its own leaves there.

import type { CredentialVerdict } from "../../mqtt/device-link.ts";
import { ENROL_PASSWORD, mayPublish, maySubscribe, type Principal, principalOf } from "@flipside/protocol/topics";

/** As RabbitMQ sends it, from a form. */
export type Question = Record<string, string>;

/** The plugin's exchange (`mqtt.exchange`), and the only virtual host that devices use. */
const EXCHANGE = "amq.topic";
const VHOST = "/";

export interface BrokerRights {
  user(question: Question): Promise<boolean>;
  vhost(question: Question): Promise<boolean>;
  resource(question: Question): Promise<boolean>;
  topic(question: Question): Promise<boolean>;
}

export function createBrokerRights(options: {
  authenticate: (deviceId: string, password: Uint8Array) => Promise<CredentialVerdict>;
  /** Whether such a device is enrolled, and not revoked. */
  isServed: (deviceId: string) => Promise<boolean>;
}): BrokerRights {
  async function principal(question: Question): Promise<Principal | undefined> {
    const who = principalOf(question["username"] ?? "");
    return who === undefined || who.enrolling || (await options.isServed(who.deviceId)) ? who : undefined;
  }

  /** A client id is a place at the broker: whoever connects with another's pushes that one away. */
  function mayUseClientId({ deviceId, enrolling }: Principal, clientId: string | undefined): boolean {
    return clientId === undefined || clientId === (enrolling ? `enrol.${deviceId}` : deviceId);
  }

  return {
    async user(question) {
      const who = principalOf(question["username"] ?? "");
      if (who === undefined || !mayUseClientId(who, question["client_id"])) return false;
      const password = question["password"] ?? "";
      if (who.enrolling) return password === ENROL_PASSWORD;
      return (await options.authenticate(who.deviceId, Buffer.from(password))) === "accepted";
    },
    async vhost(question) {
      return question["vhost"] === VHOST && (await principal(question)) !== undefined;
    },
    async resource(question) {
      const who = await principal(question);
      if (who === undefined || question["vhost"] !== VHOST) return false;
      const { resource, name = "", permission = "" } = question;
      if (resource === "exchange") return name === EXCHANGE && (permission === "read" || permission === "write");
      // The plugin keeps a queue for each QoS: mqtt-subscription-<client id>qos0 and …qos1.
      const clientId = who.enrolling ? `enrol.${who.deviceId}` : who.deviceId;
      return (
        resource === "queue" &&
        (name === `mqtt-subscription-${clientId}qos0` || name === `mqtt-subscription-${clientId}qos1`)
      );
    },
    async topic(question) {
      const who = await principal(question);
      if (who === undefined || question["vhost"] !== VHOST || question["name"] !== EXCHANGE) return false;
      // The plugin writes a topic's slashes as dots; there is no dot in what devices may use.
      const topic = (question["routing_key"] ?? "").replaceAll(".", "/");
      if (question["permission"] === "write") return mayPublish(who, topic);
      return question["permission"] === "read" && maySubscribe(who, topic);
    },
  };
}
