/** What VS Code gives to the scripts of its panels. */
declare function acquireVsCodeApi(): { postMessage(message: unknown): void };
