// Symbols, drawn on a 16 × 16 grid with one stroke width. They only accompany text, so assistive technology skips them.

import type { ReactNode } from "react";
import type { IconName } from "../words/state-words.ts";

const shapes: Record<IconName, ReactNode> = {
  check: <path d="m3.5 8.5 3 3 6-7" />,
  cross: <path d="m4 4 8 8m0-8-8 8" />,
  clock: (
    <>
      <circle cx="8" cy="8" r="5.5" />
      <path d="M8 5v3.2L10 10" />
    </>
  ),
  download: <path d="M8 2.5v7.5m-3-3 3 3 3-3M3 13.5h10" />,
  upload: <path d="M8 10V2.5m-3 3 3-3 3 3M3 13.5h10" />,
  scan: <path d="M2.5 5.5v-3h3m5 0h3v3m0 5v3h-3m-5 0h-3v-3M5 8h6" />,
  box: <path d="M2.5 5 8 2.5 13.5 5v6L8 13.5 2.5 11zm0 0L8 7.5 13.5 5M8 7.5v6" />,
  restart: <path d="M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3" />,
  flask: <path d="M6 2.5h4M6.7 2.5v4L3 13.5h10L9.3 6.500v-4M5 10.500h6" />,
  back: <path d="M6 3 2.5 6.5 6 10m-3.5-3.500H10a3.5 3.5 0 0 1 0 7H7" />,
  ban: (
    <>
      <circle cx="8" cy="8" r="5.5" />
      <path d="m4.2 4.2 7.6 7.6" />
    </>
  ),
  pause: <path d="M5.5 3.500v9m5-9v9" />,
  play: <path d="M5 3.200v9.600L12.5 8z" />,
  stop: <rect x="4" y="4" width="8" height="8" rx="1" />,
  empty: <rect x="3.5" y="3.5" width="9" height="9" rx="1.5" strokeDasharray="2 2" />,
  question: (
    <>
      <circle cx="8" cy="8" r="5.5" />
      <path d="M6.5 6.500a1.5 1.5 0 1 1 1.5 1.800v.7M8 11.200v.1" />
    </>
  ),
  alert: <path d="M8 2.5 14 13H2zM8 6.500v3m0 1.700v.1" />,
  offer: <path d="M2.5 4h11v8h-11zm0 .5L8 8.500l5.5-4" />,
  plus: <path d="M8 3v10M3 8h10" />,
  search: (
    <>
      <circle cx="7" cy="7" r="4.5" />
      <path d="m10.5 10.5 3 3" />
    </>
  ),
  copy: <path d="M5.5 5.500h8v8h-8zM10.5 5.500v-3h-8v8h3" />,
  chevron: <path d="m6 3.5 4.5 4.500L6 12.5" />,
  key: (
    <>
      <circle cx="5" cy="11" r="2.5" />
      <path d="m7 9 6-6m-2.5 2.5 2 2" />
    </>
  ),
};

export const Icon = ({ name }: { name: IconName }): ReactNode => (
  <svg className="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    {shapes[name]}
  </svg>
);
