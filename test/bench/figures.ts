// What a run reports: figures for machines, and a table for people.

import type { ConsoleLiveFigures } from "./console-live.ts";
import type { ConsoleSpeedFigures } from "./console-speed.ts";
import type { ExokernelFigures } from "./exokernel/exokernel.ts";
import type { HealthGateFigures } from "./health-gate.ts";
import type { ListsFigures } from "./lists.ts";
import type { MetricsFigures } from "./metrics.ts";
import type { ProgressFigures } from "./progress-reports.ts";
import type { Part } from "./image-parts.ts";

/** Keys and units of `--json`. */
export interface Figures {
  imageBytes: number;
  /** The same: TLS is in it since decision 39. */
  imageBytesWithTls: number;
  loaderBytes: number;
  ramBytes: number;
  instructionsToVerified: number;
  instructionsToApp: number;
  instructionsToMqtt: number;
  /** Of an update as large as the window, from "update accepted" to "installed"; where C can be compiled. */
  updateInstructions?: number;
  /** Until MQTT is connected, by TLS more than in clear. */
  tlsHandshakeInstructions: number;
  /** Of an update, by TLS more than in clear, for each byte of the image; where C can be compiled. */
  tlsInstructionsPerByte?: number;
  updateBytesPerSecond: number;
  tcpBytesPerSecond: number;
  serverRssBytes: number;
  /** All bytes that the server sent during an update, by the image's, at so many bytes a second. */
  slowLinkSentToImage: Record<string, number>;
  healthGate: HealthGateFigures;
  /** Of `--lists` alone. */
  lists?: ListsFigures;
  /** Of `--console` alone. */
  consoleSpeed?: ConsoleSpeedFigures;
  consoleLive?: ConsoleLiveFigures;
  /** Of the last 1, 5 and 15 minutes, before and after; of `--console`. */
  loadAverage?: number[];
  /** Of `--metrics` alone. */
  metrics?: MetricsFigures;
  /** Of `--progress` alone. */
  progress?: ProgressFigures[];
  /** Of `--exokernel` alone, as the next three. */
  exokernel?: ExokernelFigures;
  /** Of the status page, from the card's interrupt to the answer that the card is given. */
  httpInstructionsPerRequest?: number;
  /** For each byte of a value, on the way in or out: the larger one. */
  bytesCopiedOnBulkPath?: number;
  /** How late a reserved tick was at most. */
  jitterMaxNs?: number;
}

const grouped = (value: number): string =>
  Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, " ");

export class Table {
  readonly #rows: [name: string, value: string, note: string][] = [];

  row(name: string, value: number, unit: string, note = ""): void {
    this.#rows.push([name, `${grouped(value)} ${unit}`, note]);
  }

  /** What the rows before say nothing about. */
  leavesOut(what: string): void {
    this.#rows.push(["  not shown", "", what]);
  }

  parts(parts: Part[]): void {
    for (const { name, bytes } of parts) this.row(`  ${name}`, bytes, "B");
  }

  toString(): string {
    const nameWidth = Math.max(...this.#rows.map(([name]) => name.length));
    const valueWidth = Math.max(...this.#rows.map(([, value]) => value.length));
    return this.#rows
      .map(([name, value, note]) => `${name.padEnd(nameWidth)}  ${value.padStart(valueWidth)}  ${note}`.trimEnd())
      .join("\n");
  }
}
