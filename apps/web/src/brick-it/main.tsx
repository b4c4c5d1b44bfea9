import { t } from "@lingui/core/macro";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { startLanguage } from "../language/start-language.ts";
import "../styles/tokens.css";
import "../styles/base.css";
import "../styles/components.css";
import "../styles/pages.css";
import "./page/brick-it.css";

await startLanguage();
document.title = `${t`Try to brick it`} · Flipside`;
// Words at the top of its modules are made when they are loaded.
const [{ BrickItPage }, { FaultBoundary }, { InLanguage }] = await Promise.all([
  import("./page/brick-it-page.tsx"),
  import("../components/fault-boundary.tsx"),
  import("../language/in-language.tsx"),
]);
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <InLanguage>
      <FaultBoundary>
        <BrickItPage />
      </FaultBoundary>
    </InLanguage>
  </StrictMode>,
);
