import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { FaultBoundary } from "../components/fault-boundary.tsx";
import "../styles/tokens.css";
import "../styles/base.css";
import "../styles/components.css";
import "../styles/pages.css";
import { BrickItPage } from "./page/brick-it-page.tsx";
import "./page/brick-it.css";

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <FaultBoundary>
      <BrickItPage />
    </FaultBoundary>
  </StrictMode>,
);
