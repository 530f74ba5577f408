#!/usr/bin/env node
// Runs `deployrecords serve --memory` with the arguments: npx deployrecords-mock --load records.ndjson
import { spawn } from "node:child_process";

import { binary } from "./binary.mjs";

const server = spawn(binary(), ["serve", "--memory", ...process.argv.slice(2)], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => server.kill(signal));
}
server.on("error", (error) => {
  console.error(`deployrecords-mock: ${error.message}`);
  process.exitCode = 1;
});
server.on("exit", (code) => {
  process.exitCode = code ?? 1;
});
