// The graph of a folder's imports: which rooms know which, and what goes in a circle. A room is a folder, or a file
// that has none; rooms are given in layers, from below to above.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";

export interface Import {
  from: string;
  to: string;
}

export interface House {
  /** From below to above; "features/*" is each folder of features. Rooms of one layer don't know each other. */
  layers: readonly (readonly string[])[];
  /** Rooms of this layer do. */
  layerOfNeighbours?: number;
  /** `from -> room` that runs up all the same, or `from -> to` that closes a circle of files, each with its reason. */
  exceptions: Record<string, string>;
}

export interface Graph {
  imports: Import[];
  /** Arrows that run up, or between rooms of one layer that don't know each other; and rooms that no layer has. */
  wrong: string[];
  circlesOfFiles: string[];
  circlesOfRooms: string[];
  /** Exceptions that nothing needs. */
  unneeded: string[];
}

/** The imports of all TypeScript files below `folder`. */
export function importsBelow(folder: string): Import[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  return importsOf(files, (file) => readFileSync(join(folder, file), "utf8"));
}

/** Relative ones that stay in the folder, type-only ones too. AssemblyScript leaves out the file's extension. */
export function importsOf(files: readonly string[], read: (file: string) => string): Import[] {
  return files.flatMap((from) =>
    [...read(from).matchAll(/^(?:import|export)\b[^;]*?from\s*"(\.[^"]+)"|\bimport\(\s*"(\.[^"]+)"/gm)]
      .map(([, statement, call]) => join(dirname(from), (statement ?? call)!))
      .map((to) => ({ from, to: to.endsWith(".ts") ? to : `${to}.ts` }))
      .filter(({ to }) => !to.startsWith("..")),
  );
}

export function graphOf(imports: Import[], { layers, layerOfNeighbours, exceptions }: House): Graph {
  const parents = new Set(
    layers
      .flat()
      .filter((room) => room.endsWith("/*"))
      .map((room) => room.slice(0, -2)),
  );
  const roomOf = (file: string): string => {
    const [first, second] = file.split("/");
    return parents.has(first!) && second !== undefined ? `${first}/${second}` : first!;
  };
  const layerOf = (room: string): number =>
    layers.findIndex((rooms) => rooms.includes(room) || rooms.includes(`${room.split("/")[0]}/*`));
  const isExcepted = ({ from, to }: Import): boolean => `${from} -> ${roomOf(to)}` in exceptions;
  const between = imports.filter((each) => roomOf(each.from) !== roomOf(each.to));

  const wrong = between.flatMap((each) => {
    const [above, below] = [layerOf(roomOf(each.from)), layerOf(roomOf(each.to))];
    if (above < 0) return [`${roomOf(each.from)} is in no layer`];
    if (isExcepted(each) || (below >= 0 && below < above)) return [];
    if (below === above && above === layerOfNeighbours) return [];
    return [`${each.from} must not import ${each.to}: ${roomOf(each.to)} does not stand below ${roomOf(each.from)}`];
  });
  const used = new Set(imports.flatMap(({ from, to }) => [`${from} -> ${roomOf(to)}`, `${from} -> ${to}`]));
  return {
    imports,
    wrong: [...new Set(wrong)],
    circlesOfFiles: circles(imports.filter(({ from, to }) => !(`${from} -> ${to}` in exceptions))),
    circlesOfRooms: circles(
      between.filter((each) => !isExcepted(each)).map(({ from, to }) => ({ from: roomOf(from), to: roomOf(to) })),
    ),
    unneeded: Object.keys(exceptions).filter((each) => !used.has(each)),
  };
}

/** The circles that a walk along the arrows comes upon. */
function circles(arrows: readonly Import[]): string[] {
  const next = new Map<string, Set<string>>();
  for (const { from, to } of arrows) next.set(from, (next.get(from) ?? new Set()).add(to));
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (node: string, path: readonly string[]): void => {
    if (path.includes(node)) return void found.push([...path.slice(path.indexOf(node)), node].join(" -> "));
    if (done.has(node)) return;
    for (const each of next.get(node) ?? []) walk(each, [...path, node]);
    done.add(node);
  };
  for (const node of next.keys()) walk(node, []);
  return found;
}

/** The tests that hold a folder to its layers. `importsMin`: fewer would mean that they are not found. */
export function holdsToItsLayers(folder: string, house: House, importsMin: number): void {
  const graph = graphOf(importsBelow(folder), house);

  it("know only what stands below them", () => {
    expect(graph.imports.length).toBeGreaterThan(importsMin);
    expect(graph.wrong).toEqual([]);
  });

  it("go in no circle, neither files nor rooms", () => {
    expect(graph.circlesOfFiles).toEqual([]);
    expect(graph.circlesOfRooms).toEqual([]);
  });

  it("have no exception that is not needed any more", () => {
    expect(graph.unneeded).toEqual([]);
  });
}
