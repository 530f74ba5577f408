// Starts `deployrecords serve --memory --control` and steers it. index.d.ts describes every function.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

import { binary } from "./binary.mjs";

export class MockError extends Error {
  constructor(status, body) {
    const { message, details } = body ?? {};
    super([message ?? `the control API answered ${status}`, ...(details ?? [])].join("\n  "));
    this.name = "MockError";
    this.status = status;
    this.details = details ?? [];
  }
}

/** Starts a program and returns it once it listens. */
export async function start({ flags = [], program = binary() } = {}) {
  const server = spawn(
    program,
    ["serve", "--memory", "--control", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--log-level", "warn", ...flags],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("exit", resolve);
  });
  ended.catch(() => {}); // reported below, or by stop
  const stopWithUs = () => server.kill("SIGKILL");
  process.once("exit", stopWithUs);
  const lines = new Map();
  for await (const line of createInterface({ input: server.stdout })) {
    const equals = line.indexOf("=");
    lines.set(line.slice(0, equals), line.slice(equals + 1));
    if (lines.size === 3) {
      break;
    }
  }
  const control = lines.get("DEPLOYRECORDS_CONTROL_URL");
  if (!control) {
    throw new Error(`deployrecords did not start: exit code ${await ended}`);
  }
  const first = await call(control, "GET", "/sandboxes");
  return new Mock(control, first.sandboxes[0], async () => {
    process.removeListener("exit", stopWithUs);
    server.kill("SIGTERM");
    return ended;
  });
}

/** Sends a request to the control API and returns the JSON of its response. */
async function call(control, method, path, body, type = "application/json") {
  const response = await fetch(control + path, {
    method,
    headers: body === undefined ? {} : { "Content-Type": type },
    body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await response.text();
  const json = text === "" ? undefined : JSON.parse(text);
  if (!response.ok) {
    throw new MockError(response.status, json);
  }
  return json;
}

const recordsType = "application/x-ndjson";

/** Returns records as NDJSON. */
function ndjson(records) {
  return typeof records === "string" ? records : records.map((record) => JSON.stringify(record) + "\n").join("");
}

/** Returns a query with the parameters that are defined. */
function query(parameters) {
  const defined = Object.entries(parameters).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(defined.map(([name, value]) => [name, String(value)])).toString();
  return text === "" ? "" : `?${text}`;
}

export class Sandbox {
  #control;
  #path;

  constructor(control, { organization, url, token }) {
    this.#control = control;
    this.#path = `/sandboxes/${encodeURIComponent(organization)}`;
    this.organization = organization;
    this.url = url;
    this.token = token;
  }

  fail(fault) {
    return call(this.#control, "POST", `${this.#path}/faults`, fault);
  }

  async faults() {
    return (await call(this.#control, "GET", `${this.#path}/faults`)).faults;
  }

  async recover() {
    await call(this.#control, "DELETE", `${this.#path}/faults`);
  }

  journal(filter = {}) {
    return call(this.#control, "GET", `${this.#path}/journal${query(filter)}`);
  }

  async clearJournal() {
    await call(this.#control, "DELETE", `${this.#path}/journal`);
  }

  async mint(request = {}) {
    return (await call(this.#control, "POST", `${this.#path}/tokens`, request)).token;
  }

  load(records) {
    return call(this.#control, "POST", `${this.#path}/records`, ndjson(records), recordsType);
  }

  async setNow(now) {
    await call(this.#control, "PUT", `${this.#path}/clock`, { now: now instanceof Date ? now.toISOString() : now });
  }

  async advance(duration) {
    await call(this.#control, "PUT", `${this.#path}/clock`, { advance: duration });
  }

  async reset() {
    await call(this.#control, "POST", `${this.#path}/reset`);
  }

  async close() {
    await call(this.#control, "DELETE", this.#path);
  }
}

export class Mock extends Sandbox {
  #control;
  #stop;

  constructor(control, main, stop) {
    super(control, main);
    this.#control = control;
    this.#stop = stop;
    this.controlUrl = control;
  }

  async sandbox({ records, now, seed } = {}) {
    const parameters = query({ now: now instanceof Date ? now.toISOString() : now, seed });
    const body = records === undefined ? undefined : ndjson(records);
    return new Sandbox(this.#control, await call(this.#control, "POST", `/sandboxes${parameters}`, body, recordsType));
  }

  stop() {
    return this.#stop();
  }
}
