/** Numbers as people read them. Pure. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** A number of bytes in eight characters at most: `12.3 MiB`, `1023 KiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** A time: `0:07`, `12:34`, `1:02:03`, `3d 4h`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 100) return `${Math.floor(hours / 24)}d ${hours % 24}h`;
  const end = String(whole % 60).padStart(2, "0");
  if (hours === 0) return `${minutes}:${end}`;
  return `${hours}:${String(minutes % 60).padStart(2, "0")}:${end}`;
}

/** A moment of ISO 8601 by this machine's clock: `2026-11-29 18:00`. */
export function formatMoment(iso: string): string {
  const date = new Date(iso);
  const two = (number: number) => String(number).padStart(2, "0");
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()];
  const time = [date.getHours(), date.getMinutes()];
  return `${day.map(two).join("-")} ${time.map(two).join(":")}`;
}

/** A share in whole percent, rounded down: 100 % is said of all only. */
export function formatPercent(part: number, whole: number): string {
  const percent = whole === 0 ? 100 : Math.floor(part / whole * 100);
  return `${percent}%`;
}
