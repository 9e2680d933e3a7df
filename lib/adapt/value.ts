/** Marks. */
const IDENTITY = Symbol.for("implicit.identity");

export function libraryValue<T extends object, P extends object>(
  library: string,
  parameters: P,
  value: T,
): T & P {
  const made = { ...parameters, ...value };
  Object.defineProperty(made, IDENTITY, { value: { library, ...parameters } });
  return Object.freeze(made);
}
