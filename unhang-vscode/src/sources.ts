/** Where a source file lies here that the debug information names. */

import type { Configuration } from "./adapters";

/** Pairs of what a path begins with and what it begins with here. */
export type SourceMap = readonly (readonly [string, string])[];

/**
 * What a session's configuration says of it: lldb-dap's `sourceMap` is a list of pairs or an object,
 * CodeLLDB's and cpptools' (`sourceFileMap`) an object, whose values may be objects too.
 */
export function sourceMap(configuration: Configuration): SourceMap {
  const map = configuration.sourceMap ?? configuration.sourceFileMap;
  const pairs: unknown[] = Array.isArray(map) ? map : typeof map === "object" && map !== null ? Object.entries(map) : [];
  return pairs.flatMap((pair): [string, string][] => {
    if (!Array.isArray(pair)) return [];
    const [from, to] = pair as unknown[];
    return typeof from === "string" && from !== "" && typeof to === "string" ? [[from, to]] : [];
  });
}

/** A path as it is here: the first pair that fits changes it. */
export function mapped(path: string, map: SourceMap): string {
  for (const [from, to] of map) {
    const folder = from.endsWith("/") ? from : `${from}/`;
    if (path.startsWith(folder)) return `${to.replace(/\/$/, "")}/${path.slice(folder.length)}`;
  }
  return path;
}
