/** A failure, and the requests that have it. The control API's document describes each member. */
export interface Fault {
  kind: "status" | "delay" | "trickle" | "truncate" | "reset" | "malformed-json" | "content-type";
  /** Which requests have the fault. Without a path, all requests below /v1. */
  match?: { method?: string; path?: string; query?: string; nth?: number };
  /** How many requests have the fault: 1 by default, 0 is no limit. */
  times?: number;
  status?: number;
  retry_after?: number;
  message?: string;
  delay?: { fixed: string } | { min?: string; max: string } | { median: string; sigma?: number };
  bytes?: number;
  pause?: string;
  content_type?: string;
}

export interface AddedFault {
  id: string;
  /** How many requests have had the fault. */
  used: number;
  fault: Fault;
}

/** Which requests of the journal are meant. */
export interface Filter {
  method?: string;
  path?: string;
  /** A part of the query, as environment_name=prod-eu. */
  query?: string;
  status?: number;
  /** Only requests with a greater number. */
  after?: number;
  /** How many requests are returned at most: 100 by default, 0 only counts. */
  limit?: number;
  /** Waits for so many requests, within a time as 2s. The promise is rejected if they do not arrive. */
  at_least?: number;
  within?: string;
}

/** A request with its response. Tokens are replaced by (not shown). */
export interface Exchange {
  number: number;
  received_at: string;
  duration_ms: number;
  method: string;
  path: string;
  query: string;
  headers: Record<string, string[]>;
  body: string;
  body_bytes: number;
  /** Absent if the connection was reset. */
  status?: number;
  response_headers: Record<string, string[]>;
  response_body: string;
  response_bytes: number;
  fault?: string;
}

export interface Journal {
  /** How many requests match. */
  count: number;
  /** How many of all requests, the oldest, the full journal has dropped. */
  dropped: number;
  requests: Exchange[];
}

export interface TokenRequest {
  scopes?: ("deployments:read" | "deployments:write")[];
  project?: string;
  subject?: string;
  /** How long the token is valid, as 10m. */
  ttl?: string;
  broken?: "expired" | "wrong-key" | "wrong-audience" | "no-scope";
}

/** Records as NDJSON, or as objects. */
export type Records = string | readonly object[];

/** A server with records, a clock, faults, a journal and tokens of its own. */
export class Sandbox {
  protected constructor();
  readonly organization: string;
  readonly url: string;
  /** A token that may read and record. */
  readonly token: string;
  /** Makes requests fail. */
  fail(fault: Fault): Promise<AddedFault>;
  faults(): Promise<AddedFault[]>;
  /** Removes all faults. */
  recover(): Promise<void>;
  /** Counts, finds and waits for requests. */
  journal(filter?: Filter): Promise<Journal>;
  clearJournal(): Promise<void>;
  /** Returns another token. */
  mint(request?: TokenRequest): Promise<string>;
  /** Loads more records. */
  load(records: Records): Promise<{ added: number; changed: number; unchanged: number }>;
  /** Stops the clock at a time. */
  setNow(now: Date | string): Promise<void>;
  /** Moves the clock forward by a duration, as 24h. */
  advance(duration: string): Promise<void>;
  /** Restores the records and the clock of the start, removes the faults and clears the journal. */
  reset(): Promise<void>;
  /** Ends the sandbox. That of the program ends by stop only. */
  close(): Promise<void>;
}

/** A running program, which is a sandbox, too. */
export class Mock extends Sandbox {
  /** The URL of the control API. */
  readonly controlUrl: string;
  /** Starts another server in the program. */
  sandbox(options?: { records?: Records; now?: Date | string; seed?: number }): Promise<Sandbox>;
  /** Stops the program and returns its exit code, 0. */
  stop(): Promise<number | null>;
}

/** Starts a program. The flags are those of `deployrecords serve`. */
export function start(options?: { flags?: string[]; program?: string }): Promise<Mock>;

/** An error of the control API. */
export class MockError extends Error {
  readonly status: number;
  readonly details: string[];
}
