import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { type Mock, start } from "deployrecords-mock";

import { connect, whatRuns } from "./what-runs.js";

let server: Mock;

before(async () => {
  server = await start({ flags: ["--load", "records.ndjson", "--now", "2026-11-01T09:30:00Z"] });
});

after(async () => {
  assert.equal(await server.stop(), 0);
});

test("lists the deployed records", async () => {
  const api = connect(server.url, server.token);
  assert.deepEqual(await whatRuns(api, "prod-eu"), ["api 1.2.0", "monitoring 0.9.4"]);
});

test("reads every page", async () => {
  const api = connect(server.url, server.token);
  assert.deepEqual(await whatRuns(api, "prod-eu", 1), ["api 1.2.0", "monitoring 0.9.4"]);
});

test("returns nothing for an unknown environment", async () => {
  const api = connect(server.url, server.token);
  assert.deepEqual(await whatRuns(api, "prod-us"), []);
});

test("reports a rejected token", async () => {
  const api = connect(server.url, "not a token");
  await assert.rejects(whatRuns(api, "prod-eu"), /^Error: 401 the token is not accepted$/);
});

test("reports the violations of a request", async () => {
  const api = connect(server.url, server.token);
  const { error, response } = await api.GET("/v1/deployments", { params: { query: { "pagination.page": -1 } } });
  assert.equal(response.status, 400);
  assert.deepEqual(error?.details, ["pagination.page: must not be negative"]);
});

test("reports that the server is unavailable", async () => {
  await server.fail({ kind: "status", status: 503, match: { query: "environment_name=prod-eu" } });
  const api = connect(server.url, server.token);
  await assert.rejects(whatRuns(api, "prod-eu"), /^Error: 503 injected for a test: Service Unavailable$/);
  assert.deepEqual(await whatRuns(api, "prod-eu"), ["api 1.2.0", "monitoring 0.9.4"]);
  assert.equal((await server.journal({ status: 503 })).count, 1);
});
