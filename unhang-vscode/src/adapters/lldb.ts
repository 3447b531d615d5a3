/** `lldb-dap`, LLVM's own; tried with 19. */

import type { Adapter } from "./adapter";

/** What stands in front of a command, so that it is no expression. */
const PREFIX = "`";

export const LLDB: Adapter = {
  name: "lldb-dap",
  types: ["lldb-dap"],
  debugger: () => "lldb",
  evaluation: (command, configuration) => {
    const prefix = configuration.commandEscapePrefix;
    const escape = typeof prefix === "string" ? prefix : PREFIX;
    return { expression: `${escape}${command}`, context: "repl" };
  },
  // 19 repeats the command, newer ones do not.
  output: (result, command) => {
    const echo = `(lldb) ${command}\n`;
    return result.startsWith(echo) ? result.slice(echo.length) : result;
  },
};
