// For whom a client speaks, by its own word, and which topics it may use if it proves to be that one.

import {
  type DeviceLeaf,
  leafBelow,
  mayPublishLeaf,
  maySubscribeLeaf,
  principalOf,
  topicPrefixOf,
} from "@flipside/protocol/topics";
import { thingNamePattern } from "@flipside/api/limits";
import { thingPrefixOf, type ThingRequest, thingRequestOf } from "@flipside/protocol/thing-topics";

/** AWS grants as many. */
const thingSubscriptionsMax = 50;

interface Topics {
  deviceId: string;
  /** Of its topics: their shard is a hash, which is not made anew for each message. */
  topicPrefix: string;
  /** What follows its prefix, of a filter that it may subscribe to; `count`: to so many it has. */
  subscribes(filter: string, count: number): string | undefined;
  /** Who asks for more than it may is told so, and stays; else its connection ends. */
  staysWhenRefused: boolean;
}

/** A device with an agent of ours. */
export interface DeviceSpeaker extends Topics {
  kind: "device";
  /** Nothing is known of it but the name that it gave. */
  enrolling: boolean;
  publishes(topic: string): DeviceLeaf | undefined;
}

/** One of AWS IoT's (docs/aws-iot.md), that has shown a certificate. */
export interface ThingSpeaker extends Topics {
  kind: "thing";
  enrolling: false;
  publishes(topic: string): ThingRequest | undefined;
}

export type Speaker = DeviceSpeaker | ThingSpeaker;

/** By the user name; undefined when it is no device's. */
export function deviceSpeaker(userName: string): DeviceSpeaker | undefined {
  const principal = principalOf(userName);
  if (principal === undefined) return undefined;
  const topicPrefix = topicPrefixOf(principal.deviceId);
  return {
    ...principal,
    kind: "device",
    topicPrefix,
    staysWhenRefused: false,
    publishes(topic) {
      const leaf = leafBelow(topicPrefix, topic);
      return leaf !== undefined && mayPublishLeaf(principal, leaf) ? leaf : undefined;
    },
    subscribes(filter) {
      const leaf = leafBelow(topicPrefix, filter);
      return leaf !== undefined && maySubscribeLeaf(principal, leaf) ? leaf : undefined;
    },
  };
}

/** By the client id, as policies of AWS want it; undefined when that is no thing's name. */
export function thingSpeaker(clientId: string): ThingSpeaker | undefined {
  if (!thingNamePattern.test(clientId)) return undefined;
  const topicPrefix = thingPrefixOf(clientId);
  const below = (topic: string): string | undefined =>
    topic.startsWith(topicPrefix) ? topic.slice(topicPrefix.length) : undefined;
  return {
    kind: "thing",
    enrolling: false,
    deviceId: clientId,
    topicPrefix,
    staysWhenRefused: true,
    publishes: (topic) => thingRequestOf(below(topic) ?? ""),
    subscribes: (filter, count) => (count < thingSubscriptionsMax ? below(filter) : undefined),
  };
}
