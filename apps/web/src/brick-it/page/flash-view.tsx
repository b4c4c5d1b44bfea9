// The flash as what it is: zones of pages, each drawn blank, written, torn or damaged. Drawn past React, since pages
// change faster than texts are read; what is drawn is said in numbers beside it.

import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { memo, type ReactNode, type RefObject, useEffect, useRef } from "react";
import type { ZoneName } from "@flipside/machine/factory/flash-layout";
import { PAGE_BYTES } from "@flipside/machine/faults/flash-page";
import { layout } from "../bench/geometry.ts";
import { pageKinds } from "../bench/page-map.ts";
import type { SlotView, Snapshot, UpdateView } from "../snapshot.ts";
import { joined } from "../../words/listed.ts";
import { zoneWords } from "../words.ts";
import type { DeviceStore } from "./device-store.ts";

const smallZones = ["bootControl", "settings", "trust", "factory", "app", "journal"] as const;
const PAGES_A_SECTOR = layout.sectorBytes / PAGE_BYTES;
const FLASH_MS = 450;

interface ZonePages {
  first: number;
  count: number;
}

const pagesOf = (zone: ZoneName): ZonePages => {
  const { offsetBytes, sizeBytes } = layout.zones[zone];
  return { first: offsetBytes / PAGE_BYTES, count: sizeBytes / PAGE_BYTES };
};

/** Static: how its pages are is put into them by `useDrawnPages`. */
const Sectors = memo(function Sectors({ zone }: { zone: ZoneName }): ReactNode {
  const { first, count } = pagesOf(zone);
  const sectors = Array.from({ length: count / PAGES_A_SECTOR }, (_, i) => first + i * PAGES_A_SECTOR);
  return (
    <div className="sectors" aria-hidden="true">
      {sectors.map((page) => (
        <span className="sector" key={page} data-sector={page / PAGES_A_SECTOR}>
          {Array.from({ length: PAGES_A_SECTOR }, (_, i) => (
            <i className="flash-page" key={i} data-page={page + i} />
          ))}
        </span>
      ))}
    </div>
  );
});

/** In words: "21 written, 11 blank, 1 torn". */
function numbersOf(zone: ZoneName, { kinds, wornSectors }: Snapshot): string {
  const { first, count } = pagesOf(zone);
  const of = (kind: (typeof pageKinds)[number]): number =>
    kinds.subarray(first, first + count).filter((each) => pageKinds[each] === kind).length;
  const worn = wornSectors.filter(
    (sector) => sector * PAGES_A_SECTOR >= first && sector * PAGES_A_SECTOR < first + count,
  ).length;
  const [written, blank, torn, damaged] = [of("written"), of("erased"), of("torn"), of("damaged")];
  const parts = [t`${written} written`, t`${blank} blank`];
  if (torn > 0) parts.push(t`${torn} torn`);
  if (damaged > 0) parts.push(t`${damaged} damaged`);
  if (worn > 0) parts.push(plural(worn, { one: "# sector worn out", other: "# sectors worn out" }));
  return joined(parts);
}

const slotStates: Record<SlotView["state"], { label: string; tone: string }> = {
  unknown: { label: t`as the factory left it`, tone: "idle" },
  empty: { label: t`empty`, tone: "idle" },
  candidate: { label: t`candidate`, tone: "busy" },
  confirmed: { label: t`confirmed`, tone: "ok" },
  failed: { label: t`failed`, tone: "bad" },
};

function stateOf({ state, triesLeft }: SlotView): string {
  if (state !== "candidate") return slotStates[state].label;
  return t`candidate, ${plural(triesLeft, { one: "# try left", other: "# tries left" })}`;
}

const writtenSoFar = ({ chunksDone, chunksTotal }: UpdateView): string =>
  t`being written, ${chunksDone} of ${chunksTotal}`;

function Slot({ name, snapshot }: { name: "a" | "b"; snapshot: Snapshot }): ReactNode {
  const slot = snapshot.slots[name];
  const zone = name === "a" ? "slotA" : "slotB";
  const runs = snapshot.runningSlot === name;
  const { update } = snapshot;
  const isWritten = update?.state === "downloading" && snapshot.runningSlot !== undefined && !runs;
  const { tone } = slotStates[slot.state];
  const letter = name.toUpperCase();
  const version = isWritten
    ? `→ ${update.version}`
    : (slot.version ?? (name === "a" && slot.state === "unknown" ? snapshot.factoryVersion : "–"));
  return (
    <section className={`flash-zone flash-slot ${runs ? "runs" : ""}`} aria-label={t`Slot ${letter}`}>
      <header>
        <span className="slot-letter">{letter}</span>
        <span className="flash-slot-version">{version}</span>
        <span className={`flash-slot-state tone-${isWritten ? "busy" : tone}`}>
          {isWritten ? writtenSoFar(update) : stateOf(slot)}
        </span>
        {runs && <span className="flash-slot-runs">{t`runs`}</span>}
      </header>
      <Sectors zone={zone} />
      <p className="flash-numbers">{numbersOf(zone, snapshot)}</p>
      {slot.why && <p className="flash-why">{slot.why}</p>}
    </section>
  );
}

function SmallZone({ zone, snapshot }: { zone: ZoneName; snapshot: Snapshot }): ReactNode {
  const { label, what } = zoneWords[zone];
  return (
    <section className={`flash-zone zone-${zone}`} aria-label={label}>
      <header>
        <strong>{label}</strong> <span className="flash-what">{what}</span>
      </header>
      <Sectors zone={zone} />
      <p className="flash-numbers">{numbersOf(zone, snapshot)}</p>
    </section>
  );
}

/** Keeps the pages below `root` as the snapshots say, and lets those flash that change. */
function useDrawnPages(root: RefObject<HTMLElement | null>, store: DeviceStore): void {
  useEffect(() => {
    const pages = new Map<number, HTMLElement>();
    root.current!.querySelectorAll<HTMLElement>("[data-page]").forEach((page) => {
      pages.set(Number(page.dataset["page"]), page);
    });
    const sectors = Array.from(root.current!.querySelectorAll<HTMLElement>("[data-sector]"));
    const isCalm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    return store.watch(({ kinds, touched, wornSectors }) => {
      for (const [page, element] of pages) {
        const kind = pageKinds[kinds[page]!]!;
        if (element.dataset["kind"] !== kind) element.dataset["kind"] = kind;
      }
      for (const sector of sectors)
        sector.classList.toggle("is-worn", wornSectors.includes(Number(sector.dataset["sector"])));
      if (isCalm) return;
      for (const { page, isErase } of touched)
        pages.get(page)?.animate(
          [
            { outline: `3px solid var(--${isErase ? "warn" : "accent"})`, outlineOffset: "1px", scale: 1.15 },
            { outline: "3px solid transparent", outlineOffset: "1px", scale: 1 },
          ],
          { duration: FLASH_MS, easing: "ease-out" },
        );
    });
  }, [root, store]);
}

const legend: [kind: string, label: string][] = [
  ["written", t`written`],
  ["erased", t`blank`],
  ["torn", t`power failed here`],
  ["damaged", t`damaged by hand`],
];

export function FlashView({ store, snapshot }: { store: DeviceStore; snapshot: Snapshot }): ReactNode {
  const root = useRef<HTMLElement>(null);
  useDrawnPages(root, store);
  return (
    <section className={`panel flash ${snapshot.isOn ? "is-on" : ""}`} ref={root} aria-labelledby="flash-title">
      <div className="panel-head">
        <h2 id="flash-title">{t`Its flash, page by page`}</h2>
        <ul className="flash-legend" role="list" aria-label={t`Legend`}>
          {legend.map(([kind, label]) => (
            <li key={kind}>
              <i className="flash-page" data-kind={kind} aria-hidden="true" /> {label}
            </li>
          ))}
        </ul>
      </div>
      <div className="flash-slots">
        <Slot name="a" snapshot={snapshot} />
        <Slot name="b" snapshot={snapshot} />
      </div>
      <div className="flash-zones">
        {smallZones.map((zone) => (
          <SmallZone key={zone} zone={zone} snapshot={snapshot} />
        ))}
      </div>
      <p className="hint">
        <Trans>
          One square is a page of 4 KiB, four of them are a sector: a page is programmed at once, a sector is erased at
          once. Bits only go from 1 to 0, until the sector is erased.
        </Trans>
      </p>
    </section>
  );
}
