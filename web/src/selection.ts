// The selected module of all views.

type Listener = (module: number, source: string) => void;

export class Selection {
  #module = -1;
  #listeners: Listener[] = [];

  get module(): number {
    return this.#module;
  }
  listen(listener: Listener): void {
    this.#listeners.push(listener);
  }
  /** `source` lets a view distinguish its own selections from those of others. */
  select(module: number, source: string): void {
    this.#module = module;
    for (const listener of this.#listeners) listener(module, source);
  }
}
