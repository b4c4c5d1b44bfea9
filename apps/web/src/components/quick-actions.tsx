// What is at hand on every page: to find something, and to stop everything.

import { t } from "@lingui/core/macro";
import { type ReactNode, useEffect, useState } from "react";
import { ActButton } from "./act.tsx";
import { StopDialog } from "./emergency-stop.tsx";
import { Icon } from "./icon.tsx";
import { useFleet, useResource } from "../live/hooks.ts";
import { loadedLater } from "../loaded-later.tsx";

/** Loaded when somebody wants it. */
const CommandPalette = loadedLater(async () => (await import("../palette/command-palette.tsx")).CommandPalette, null);

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);
const shortcut = isMac ? "⌘K" : "Ctrl+K";

const isShortcut = ({ key, ctrlKey, metaKey, altKey, shiftKey }: globalThis.KeyboardEvent): boolean =>
  key.toLowerCase() === "k" && (isMac ? metaKey : ctrlKey) && !altKey && !shiftKey;

export function QuickActions({ onSignOut }: { onSignOut: () => void }): ReactNode {
  const { value: stop } = useResource(useFleet().emergencyStop);
  const [open, setOpen] = useState<"palette" | "stop">();
  useEffect(() => {
    const listen = (event: globalThis.KeyboardEvent): void => {
      if (!isShortcut(event)) return;
      event.preventDefault();
      // Over another dialog it would lead away from what was begun there.
      setOpen((now) => now ?? (document.querySelector("dialog[open]") === null ? "palette" : undefined));
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, []);
  const close = (): void => setOpen(undefined);
  return (
    <div className="quick-actions">
      <button
        type="button"
        className="button small"
        title={t`Find a page, a device, a rollout (${shortcut})`}
        aria-keyshortcuts={isMac ? "Meta+K" : "Control+K"}
        onClick={() => setOpen("palette")}
      >
        <Icon name="search" />
        <span className="quick-text">{t`Find`}</span>
        <kbd className="quick-text">{shortcut}</kbd>
      </button>
      {!stop?.stopped && (
        <ActButton
          needs="updates:stop"
          className="button small danger-outline"
          aria-label={t`Stop all updates…`}
          onClick={() => setOpen("stop")}
        >
          <Icon name="stop" />
          <span className="quick-text">{t`Stop all…`}</span>
        </ActButton>
      )}
      {open === "palette" && (
        <CommandPalette onClose={close} onAct={(act) => (act === "stop-updates" ? setOpen("stop") : onSignOut())} />
      )}
      {open === "stop" && <StopDialog onClose={close} />}
    </div>
  );
}
