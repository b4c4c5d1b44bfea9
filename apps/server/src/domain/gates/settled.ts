// Something of the present wave is under way, or waits for a device that is there.

import { isSettled } from "@flipside/api/rollout-arithmetic";
import { type Gate, holds } from "./gate.ts";

export const settled: Gate = ({ waves, currentWave }) => (isSettled(waves[currentWave]!) ? holds : { kind: "waits" });
