import { Component, type ReactNode } from "react";
import type { ProblemError } from "@flipside/api/problem";
import { asProblem } from "../api/problem.ts";
import { ProblemNotice } from "./problem-notice.tsx";

/** Shows a fault of the console itself instead of an empty page. */
export class FaultBoundary extends Component<{ children: ReactNode }, { problem?: ProblemError }> {
  override state: { problem?: ProblemError } = {};

  static getDerivedStateFromError(error: unknown): { problem: ProblemError } {
    return { problem: asProblem(error) };
  }

  override render(): ReactNode {
    if (!this.state.problem) return this.props.children;
    return (
      <main className="page">
        <ProblemNotice problem={this.state.problem} />
      </main>
    );
  }
}
