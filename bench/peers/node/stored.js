// oidc-provider's own storage in memory keeps the last thousand of everything; this one keeps all.
export class Stored {
  static #all = new Map();

  constructor(model) {
    this.model = model;
  }

  async upsert(id, payload) {
    Stored.#all.set(`${this.model}:${id}`, payload);
  }

  async find(id) {
    return Stored.#all.get(`${this.model}:${id}`);
  }

  async consume(id) {
    Stored.#all.get(`${this.model}:${id}`).consumed = Math.floor(Date.now() / 1000);
  }
}
