// Finds the program: that of the package of this platform, or that of the variable DEPLOYRECORDS.
import { createRequire } from "node:module";
import { arch, env, platform } from "node:process";

export function binary() {
  if (env.DEPLOYRECORDS) {
    return env.DEPLOYRECORDS;
  }
  const name = `@deployrecords/${platform}-${arch}`;
  try {
    return createRequire(import.meta.url).resolve(`${name}/bin/deployrecords${platform === "win32" ? ".exe" : ""}`);
  } catch {
    throw new Error(`deployrecords-mock: ${name} is not installed: install optional dependencies, or set DEPLOYRECORDS to the path of a program`);
  }
}
