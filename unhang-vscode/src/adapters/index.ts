/** The debug adapters that are known: one line each. */

import type { Adapter } from "./adapter";
import { CODELLDB } from "./codelldb";
import { CPPTOOLS } from "./cpptools";
import { GDB } from "./gdb";
import { LLDB } from "./lldb";

export type { Adapter, Configuration, Debugger } from "./adapter";

/** All of them. */
export const ADAPTERS: readonly Adapter[] = [LLDB, GDB, CODELLDB, CPPTOOLS];

/**
 * The adapter of a session's type; `undefined` for one that debugs something else. `more` is the
 * setting `unhang.sessionTypes`, from other types to names of adapters.
 */
export function adapterOf(type: string, more: Readonly<Record<string, string>> = {}): Adapter | undefined {
  const named = Object.hasOwn(more, type) ? more[type] : undefined;
  return named === undefined
    ? ADAPTERS.find((adapter) => adapter.types.includes(type))
    : ADAPTERS.find((adapter) => adapter.name === named);
}
