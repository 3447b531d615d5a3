/** `gdb --interpreter=dap`, from gdb 14 on; tried with 18.1. Native Debug takes commands alike. */

import type { Adapter } from "./adapter";

export const GDB: Adapter = {
  name: "gdb",
  types: ["gdb", "gdb-dap"],
  debugger: () => "gdb",
  evaluation: (command) => ({ expression: command, context: "repl" }),
  output: (result) => result,
};
