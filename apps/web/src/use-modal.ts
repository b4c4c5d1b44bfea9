// A dialog that is there as long as it is rendered: the browser keeps the focus inside.

import { type RefObject, useEffect, useRef } from "react";

/** For a `<dialog>`. The focus is where it was once it is gone. */
export function useModal(): RefObject<HTMLDialogElement | null> {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current!;
    const before = document.activeElement;
    dialog.showModal();
    return () => {
      dialog.close();
      // The element is gone before the browser can give the focus back by itself.
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return element;
}
