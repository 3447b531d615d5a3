/** A small client of the Debug Adapter Protocol, over a child's standard input and output. */

import { type ChildProcess, spawn } from "node:child_process";

interface Response {
  type: "response";
  request_seq: number;
  success: boolean;
  message?: string;
  body?: unknown;
}

interface Event {
  type: "event";
  event: string;
  body?: Record<string, unknown>;
}

/** A started debug adapter. */
export class DapClient {
  private readonly child: ChildProcess;
  private received = Buffer.alloc(0);
  private seq = 0;
  private readonly answers = new Map<number, (response: Response) => void>();
  private readonly events: Event[] = [];
  private waiting: { name: string; resolve: (event: Event) => void } | undefined;

  constructor(program: string, args: readonly string[]) {
    this.child = spawn(program, args, { stdio: ["pipe", "pipe", "ignore"] });
    this.child.stdout?.on("data", (data: Buffer) => { this.take(data); });
  }

  /** Sends a request and gives its answer's body; fails where the adapter does. */
  async request(command: string, args: Record<string, unknown> = {}): Promise<unknown> {
    const response = await this.send(command, args);
    if (!response.success) throw new Error(response.message ?? `${command} failed`);
    return response.body;
  }

  /** Sends a request whose answer comes when something else was done. */
  send(command: string, args: Record<string, unknown> = {}): Promise<Response> {
    this.seq += 1;
    const seq = this.seq;
    const text = JSON.stringify({ seq, type: "request", command, arguments: args });
    this.child.stdin?.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
    return new Promise((resolve) => this.answers.set(seq, resolve));
  }

  /** The next event of a name, also one that came already. */
  async event(name: string): Promise<Event> {
    const at = this.events.findIndex((it) => it.event === name);
    if (at >= 0) {
      const [event] = this.events.splice(at, 1);
      if (event !== undefined) return event;
    }
    return new Promise((resolve) => { this.waiting = { name, resolve }; });
  }

  /** Ends it. */
  async end(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    // It may go before it answers.
    void this.send("disconnect", { terminateDebuggee: false });
    const late = setTimeout(() => this.child.kill("SIGKILL"), 3_000);
    await gone;
    clearTimeout(late);
  }

  private take(data: Buffer): void {
    this.received = Buffer.concat([this.received, data]);
    for (;;) {
      const head = this.received.indexOf("\r\n\r\n");
      if (head < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.received.toString("latin1", 0, head))?.[1]);
      const end = head + 4 + length;
      if (this.received.length < end) return;
      const message = JSON.parse(this.received.toString("utf8", head + 4, end)) as Response | Event;
      this.received = this.received.subarray(end);
      if (message.type === "response") this.answers.get(message.request_seq)?.(message);
      else this.happened(message);
    }
  }

  private happened(event: Event): void {
    if (this.waiting?.name === event.event) {
      const { resolve } = this.waiting;
      this.waiting = undefined;
      resolve(event);
    } else {
      this.events.push(event);
    }
  }
}
