/** Has each call of a function count as one change. */
export function count(
  target: object,
  key: string,
  onChange: () => void,
  isChange: (...args: unknown[]) => boolean = () => true,
): void {
  const real = Reflect.get(target, key);
  const counted = function (this: unknown, ...args: unknown[]) {
    if (isChange(...args)) onChange();
    return real.apply(this, args);
  };
  Reflect.set(target, key, counted);
}
