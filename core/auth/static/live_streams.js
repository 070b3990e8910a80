// Sockets that come back: one token for all of them, and each resumes after what it saw last.
"use strict";

const touchline = {};

// A read token of this browser's session, renewed before it ends and shared by all streams.
touchline.Tokens = class {
  constructor(csrf) {
    this.csrf = csrf;
    this.token = null;
    this.until = 0;
    this.asking = null;
  }

  get() {
    if (this.token && Date.now() < this.until) return Promise.resolve(this.token);
    this.asking ??= this.ask().finally(() => { this.asking = null; });
    return this.asking;
  }

  async ask() {
    const answer = await fetch("/session/token/", {
      method: "POST",
      body: new URLSearchParams({ csrf: this.csrf }),
    });
    if (answer.status === 401 || answer.status === 400) throw new touchline.LoggedOut();
    if (!answer.ok) throw new Error(`token: ${answer.status}`);
    const given = await answer.json();
    this.token = given.token;
    this.until = Date.now() + (given.expires_in - 30) * 1000;
    return this.token;
  }

  forget() {
    this.token = null;
  }
};

touchline.LoggedOut = class extends Error {};

// What a close code means for whoever looks (docs/api/streams.md).
const FOR_GOOD = {
  4403: "You may not read this now.",
  4404: "This is not here any more.",
};
const PAUSES = [0.5, 1, 2, 3];

// `greeting`: what the first message carries beside the token. `heard(message)`: each message after
// Authorized. `changed(state, detail)`: connecting, open, waiting (detail: seconds), closed (why).
touchline.Stream = class {
  constructor(path, tokens, { greeting, heard, changed }) {
    Object.assign(this, { path, tokens, greeting, heard, changed });
    this.failures = 0;
    this.timer = null;
    this.socket = null;
    addEventListener("online", () => this.hurry());
    this.open();
  }

  async open() {
    this.timer = null;
    this.changed("connecting");
    let token;
    try {
      token = await this.tokens.get();
    } catch (error) {
      if (error instanceof touchline.LoggedOut) this.changed("closed", "You are logged out.");
      else this.later();
      return;
    }
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/api/v1/ws/${this.path}`);
    this.socket = socket;
    socket.onmessage = (event) => this.message(socket, token, JSON.parse(event.data));
    socket.onclose = (event) => this.ended(event.code);
  }

  message(socket, token, message) {
    if (message.message === "Authorization needed") {
      socket.send(JSON.stringify({ token, ...this.greeting() }));
    } else if (message.message === "Authorized") {
      this.failures = 0;
      this.changed("open");
    } else {
      this.heard(message);
    }
  }

  ended(code) {
    this.socket = null;
    if (FOR_GOOD[code]) {
      this.changed("closed", FOR_GOOD[code]);
      return;
    }
    if (code === 4401) this.tokens.forget();
    this.later();
  }

  later() {
    const seconds = PAUSES[Math.min(this.failures, PAUSES.length - 1)] * (0.8 + 0.4 * Math.random());
    this.failures += 1;
    this.timer = setTimeout(() => this.open(), seconds * 1000);
    this.changed("waiting", seconds);
  }

  hurry() {
    if (this.timer === null) return;
    clearTimeout(this.timer);
    this.open();
  }
};
