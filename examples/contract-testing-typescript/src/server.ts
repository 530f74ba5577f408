import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface Server {
  url: string;
  token: string;
  /** Stops the server and returns its exit code, 0. */
  stop(): Promise<number | null>;
}

/** Starts a server in memory on a free port. DEPLOYRECORDS is the path of the program if it is not on the PATH. */
export async function startServer(...flags: string[]): Promise<Server> {
  const server = spawn(
    process.env["DEPLOYRECORDS"] ?? "deployrecords",
    ["serve", "--memory", "--listen", "127.0.0.1:0", "--log-level", "warn", ...flags],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = endOf(server);
  ended.catch(() => {}); // handled below, or by the caller of stop
  const printed = new Map<string, string>();
  for await (const line of createInterface({ input: server.stdout })) {
    const equals = line.indexOf("=");
    printed.set(line.slice(0, equals), line.slice(equals + 1));
    if (printed.size === 2) {
      break;
    }
  }
  const url = printed.get("DEPLOYRECORDS_URL");
  const token = printed.get("DEPLOYRECORDS_TOKEN");
  if (!url || !token) {
    throw new Error(`the server did not start: exit code ${await ended}`);
  }
  return {
    url,
    token,
    stop() {
      server.kill("SIGTERM");
      return ended;
    },
  };
}

function endOf(process: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    process.once("error", reject);
    process.once("exit", resolve);
  });
}
