/** The settings of `package.json`, read anew each time. */

import * as vscode from "vscode";
import type { Grouping } from "./grouping";
import type { SourceMap } from "./sources";

/** What the user chose. */
export interface Settings {
  /** The program `unhang`; empty for the one on the path. */
  path: string;
  automatic: boolean;
  marks: boolean;
  fold: boolean;
  grouping: Grouping;
  sessionTypes: Record<string, string>;
  sourceMap: SourceMap;
}

/** The settings as they are now. */
export function settings(): Settings {
  const of = vscode.workspace.getConfiguration("unhang");
  return {
    path: of.get("path", ""),
    automatic: of.get("automatic", true),
    marks: of.get("editorMarks", true),
    fold: of.get("foldLibraryFrames", true),
    grouping: of.get("grouping", "place"),
    sessionTypes: of.get("sessionTypes", {}),
    sourceMap: Object.entries(of.get("sourceMap", {})),
  };
}

/** Keeps the choice of groups. */
export async function setGrouping(grouping: Grouping): Promise<void> {
  await vscode.workspace.getConfiguration("unhang").update("grouping", grouping, vscode.ConfigurationTarget.Global);
}
