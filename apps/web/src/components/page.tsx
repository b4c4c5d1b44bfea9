import { type ReactNode, useEffect, useRef } from "react";
import { arrivedByNavigation } from "../router.ts";
import { Icon } from "./icon.tsx";
import { Link } from "./link.tsx";

interface Props {
  title: string;
  /** What the tab shows, when that is more than the title. */
  tabTitle?: string;
  back?: { href: string; label: string };
  /** Beside the title, such as a state. */
  beside?: ReactNode;
  /** One line under the title. */
  summary?: ReactNode;
  /** More lines under that. */
  remark?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** A page's frame: title in the tab, heading that takes the focus after navigation, actions. */
export function Page({ title, tabTitle, back, beside, summary, remark, actions, children }: Props): ReactNode {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (arrivedByNavigation()) heading.current?.focus({ preventScroll: true });
  }, []);
  useEffect(() => {
    document.title = `${tabTitle ?? title} · Flipside`;
  }, [title, tabTitle]);
  return (
    <main id="main" className="page">
      <header className="page-head">
        <div className="page-head-text">
          {back && (
            <Link className="back" href={back.href}>
              <Icon name="chevron" /> {back.label}
            </Link>
          )}
          <div className="page-title">
            <h1 ref={heading} tabIndex={-1}>
              {title}
            </h1>
            {beside}
          </div>
          {summary && <p className="page-summary">{summary}</p>}
          {remark}
        </div>
        {actions && <div className="actions">{actions}</div>}
      </header>
      {children}
    </main>
  );
}
