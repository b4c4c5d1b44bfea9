import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { preloadPageOf } from "./lazy-pages.tsx";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/components.css";
import "./styles/pages.css";
import "./styles/grid.css";
import "./styles/forced-colours.css";
import "./styles/access.css";
import "./styles/overview.css";

preloadPageOf(location.pathname + location.search);
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
