import { inspect } from 'node:util';

/**
 * A value that must not reach a log, an output, a file or an argument list.
 * It prints as `***` however it is formatted; only `reveal()` gives it, at the one place that needs it.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }

  [inspect.custom](): string {
    return '***';
  }
}
