// Of Amazon's SDK for JavaScript, which has no declarations: as much as tests use.

declare module "aws-iot-device-sdk" {
  import type { EventEmitter } from "node:events";

  export interface Job {
    id: string;
    document: object;
    inProgress(details: object, done: (error?: Error) => void): void;
    failed(details: object, done: (error?: Error) => void): void;
    succeeded(details: object, done: (error?: Error) => void): void;
  }

  /** They are made by calling them. */
  export function jobs(options: object): JobsClient;
  export interface JobsClient extends EventEmitter {
    subscribeToJobs(thing: string, operation: string, take: (error: Error | null, job: Job | null) => void): void;
    startJobNotifications(thing: string, done: () => void): void;
    publish(topic: string, payload: string, options: object): void;
    end(force?: boolean): void;
  }

  export function thingShadow(options: object): ShadowClient;
  export interface ShadowClient extends EventEmitter {
    register(thing: string, options: object, done: () => void): void;
    update(thing: string, state: object): void;
    get(thing: string): void;
    end(force?: boolean): void;
  }
}
