/** Preloaded by a `get`: it is killed while two downloads have one lock. */

const { removeSync } = Deno;

Deno.removeSync = (path, options) => {
  if (/\.lock$/.test(String(path)) && Deno.lstatSync(path).nlink === 2) {
    Deno.kill(Deno.pid, "SIGKILL");
  }
  removeSync(path, options);
};
