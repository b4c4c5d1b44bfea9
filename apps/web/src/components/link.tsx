import type { AnchorHTMLAttributes, MouseEvent, ReactNode } from "react";
import { navigate } from "../router.ts";

type Props = AnchorHTMLAttributes<HTMLAnchorElement> & { href: string };

/** A link inside the console. Everything but a plain click is left to the browser. */
export function Link({ onClick, ...rest }: Props): ReactNode {
  const follow = (event: MouseEvent<HTMLAnchorElement>): void => {
    onClick?.(event);
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    event.preventDefault();
    navigate(rest.href);
  };
  // biome-ignore-start lint/a11y: an anchor with its href, which the caller gives; a click stays on this page
  return <a {...rest} onClick={follow} />;
  // biome-ignore-end lint/a11y: see above
}
