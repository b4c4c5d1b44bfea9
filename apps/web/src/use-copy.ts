// Copying a text for somebody.

import { useState } from "react";

/** `copied`: undefined until it was asked for; "no": the browser gives no clipboard, as without https. */
export function useCopy(text: string): { copied: "yes" | "no" | undefined; copy: () => Promise<void> } {
  const [copied, setCopied] = useState<"yes" | "no">();
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied("yes");
    } catch {
      setCopied("no");
    }
  };
  return { copied, copy };
}
