import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What npm would install beside the package: its dependencies and its peers, and nothing of what it is built with. */
function dependencies(): string[] {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return Object.keys({
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.peerDependencies,
  });
}

/** An empty folder with the packed package in its node_modules, as a user gets it. `remove()` deletes it. */
export function installPacked(): { folder: string; files: string[]; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "tracelight-packed-"));
  const packed = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const parsed = JSON.parse(packed) as
    | { filename: string; files: { path: string }[] }[]
    | Record<string, { filename: string; files: { path: string }[] }>;
  const [{ filename, files }] = Object.values(parsed) as [{ filename: string; files: { path: string }[] }];
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "tracelight"), { recursive: true });
  execFileSync("tar", [
    "-xzf",
    join(folder, filename),
    "--strip-components=1",
    "-C",
    join(modules, "tracelight"),
  ]);
  for (const name of dependencies()) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
  return { folder, files: files.map((file) => file.path), remove: () => rmSync(folder, { recursive: true }) };
}
