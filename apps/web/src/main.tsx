import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { startLanguage } from "./language/start-language.ts";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/components.css";
import "./styles/pages.css";
import "./styles/grid.css";
import "./styles/forced-colours.css";
import "./styles/access.css";
import "./styles/overview.css";

await startLanguage();
// Words at the top of its modules are made when they are loaded.
const [{ App }, { InLanguage }, { preloadPageOf }] = await Promise.all([
  import("./app.tsx"),
  import("./language/in-language.tsx"),
  import("./lazy-pages.tsx"),
]);
preloadPageOf(location.pathname + location.search);
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <InLanguage>
      <App />
    </InLanguage>
  </StrictMode>,
);
