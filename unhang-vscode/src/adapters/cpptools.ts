/** Microsoft's C/C++ extension, which speaks MI with gdb or lldb. It was not run. */

import type { Adapter } from "./adapter";

export const CPPTOOLS: Adapter = {
  name: "cpptools",
  types: ["cppdbg"],
  debugger: (configuration) => (configuration.MIMode === "lldb" ? "lldb" : "gdb"),
  evaluation: (command) => ({ expression: `-exec ${command}`, context: "repl" }),
  output: (result) => result,
};
