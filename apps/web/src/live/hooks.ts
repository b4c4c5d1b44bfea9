import { createContext, useContext, useSyncExternalStore } from "react";
import type { ConnectionState } from "./event-stream.ts";
import type { Fleet } from "./fleet.ts";
import type { Resource, Snapshot } from "./resource.ts";

export const FleetContext = createContext<Fleet | undefined>(undefined);

export function useFleet(): Fleet {
  const fleet = useContext(FleetContext);
  if (!fleet) throw new Error("useFleet outside of the signed-in console");
  return fleet;
}

export function useResource<T>(resource: Resource<T>): Snapshot<T> {
  return useSyncExternalStore(resource.subscribe, resource.getSnapshot);
}

export function useConnection(): ConnectionState {
  const fleet = useFleet();
  return useSyncExternalStore(fleet.subscribeConnection, fleet.getConnection);
}
