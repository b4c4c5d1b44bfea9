// The fleet's side as a bench knows it: a server played in the tab, or a real one that is listened to.

import type { CheckIn } from "@flipside/protocol/messages";
import type { Outcome } from "@flipside/protocol/reference-server/outcome";
import type { JudgedImage } from "../../../../power-cut/src/checker/what-must-hold.ts";

/** An image that the device may hold, as far as a bench shows it. */
export interface KnownImage extends JudgedImage {
  version: string;
  chunkCount: number;
}

export interface Deployment {
  id: string;
  attempt: number;
  image: KnownImage;
}

export interface FleetSide {
  /** Wanted now, or last. */
  readonly deployment: Deployment | undefined;
  readonly result: Outcome | undefined;
  readonly lastCheckIn: CheckIn | undefined;
  readonly lastReport: { state: string } | undefined;
  /** Chunks of the payload that the device has asked for what comes behind them. */
  readonly chunksFetched: number | undefined;
  /** As the campaign's judge asks for it: undefined while a deployment is under way. */
  readonly outcome: string | undefined;
}

export interface FleetEvents {
  enrolled(): void;
  checkedIn(checkIn: CheckIn): void;
  reported(report: { state: string }): void;
  /** A check-in proves it, once for each deployment. */
  over(deployment: Deployment, outcome: Outcome): void;
}

/** What happens at a real fleet besides. */
export interface RealFleetEvents extends FleetEvents {
  /** Something to install, for the first time. */
  offered(image: KnownImage): void;
  /** Another trust record than the factory's; its bytes. */
  trusted(chain: Uint8Array): void;
  /** A signed command, such as to go back to the other slot. */
  commanded(): void;
  /** How the connection stands has changed. */
  connection(state: FleetConnection): void;
}

/** `proven`: server and device have proved themselves to each other. */
export type FleetConnection = "none" | "connecting" | "connected" | "proven" | "lost" | "refused";
