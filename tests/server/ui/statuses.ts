import type { Status } from "../../../lib/status/status.ts";

/** A download that has just been added, with these differences. */
export function status(differences: Partial<Status> = {}): Status {
  return {
    id: "a",
    url: "https://origin.example/a.bin",
    process_status: "Queued",
    filename: null,
    directory: null,
    size: null,
    downloaded: 0,
    progress: null,
    limit_rate: null,
    limited_by: null,
    priority: "normal",
    threads: 0,
    ranges: null,
    speed: 0,
    eta: null,
    slices: [],
    fetching: [],
    path_to_file: null,
    error: null,
    added_at: "2026-07-04T12:00:00.000Z",
    finished_at: null,
    ...differences,
  };
}
