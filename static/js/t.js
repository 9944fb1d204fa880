// LeadCRM's tracking script. Served as /t.js by leads/tracking/doors.py, which puts the site's
// options where CONFIG stands and takes comments and indentation out. No eval, nothing inline: it
// needs script-src and connect-src of this server, and works under any policy that allows these.
//
//   leadcrm("track", "webinar_registered", { webinar: "Shift planning" })
//   leadcrm("identify", "alice@kestrel.example", signature)
//   leadcrm("consent", true)   leadcrm("reset")   leadcrm("page")   leadcrm("visitor", use)
(function (config) {
  "use strict";
  const w = window, d = document, n = navigator, early = w.leadcrm;
  if (early && early.loaded) return;
  const script = d.currentScript;
  const server = new URL("/t/", (script && script.src) || config.server);
  const key = config.key || (script && script.dataset.key);
  const IDLE = 30 * 60 * 1000, YEAR = 395 * 24 * 3600, MOST = 100;
  const CAMPAIGN = /[?&](utm_|mtm_|pk_|gclid|gbraid|wbraid|dclid|fbclid|msclkid|li_fat_id|ttclid|twclid|lc_click)/;
  const FILE = /\.(pdf|docx?|xlsx?|pptx?|csv|zip|gz|7z|dmg|exe|msi|apk|epub|mp3|mp4|mov)$/i;
  const VIEWS = { product: "product_view", pricing: "pricing_view" };
  const keeps = config.storage !== "none";

  // ---- what the browser keeps ----

  let memory = {};
  function read() {
    if (!keeps) return memory;
    try {
      memory = JSON.parse(localStorage.getItem("leadcrm")) || {};
    } catch (error) { /* storage is off: this page only */ }
    if (config.storage === "cookie") {
      const parts = (/(?:^|; )leadcrm=([^;]*)/.exec(d.cookie) || ["", ""])[1].split(".");
      if (parts.length === 4) {
        memory.visitor = parts[0];
        if (!memory.visit || memory.visit.id !== parts[1]) memory.visit = { id: parts[1], at: +parts[2] };
        memory.visit.last = Math.max(+parts[3], memory.visit.last || 0);
      }
    }
    return memory;
  }
  function write() {
    if (!keeps) return;
    try {
      localStorage.setItem("leadcrm", JSON.stringify(memory));
    } catch (error) { /* full or off */ }
    if (config.storage === "cookie") {
      const visit = memory.visit;
      const value = memory.visitor && visit ? [memory.visitor, visit.id, visit.at, visit.last].join(".") : "";
      const end = "; path=/; samesite=lax; max-age=" + (value ? YEAR : 0) + (location.protocol === "https:" ? "; secure" : "");
      // The widest domain that browsers take, so that subdomains share it.
      const names = location.hostname.split(".");
      for (let i = names.length - 2; i >= 0; i--) {
        d.cookie = "leadcrm=" + value + end + "; domain=" + names.slice(i).join(".");
        if (!value || d.cookie.indexOf("leadcrm=" + value) >= 0) return;
      }
      d.cookie = "leadcrm=" + value + end;
    }
  }
  function id() {
    const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0"));
    return hex.join("");
  }

  // ---- may we? ----

  const refused = (config.gpc && n.globalPrivacyControl) || (config.dnt && n.doNotTrack === "1");
  function allowed() {
    const said = read().consent;
    return !refused && said !== 0 && (!config.consent || said === 1);
  }

  // ---- one visit ----

  let held = [];  // what waits for consent, in this page only
  let click = "";
  function visit() {
    const now = Date.now();
    read();
    if (!memory.visitor) memory.visitor = id();
    const known = memory.visit, search = location.search;
    // Another campaign is another visit; the same address in another moment is not.
    const same = known && (known.page || "").split("#")[0].endsWith(search);
    if (!known || now - known.last > IDLE || (CAMPAIGN.test(search) && !same)) {
      memory.visit = { id: id(), at: now, page: location.href, referrer: d.referrer };
    }
    memory.visit.last = now;
    api.visitor = keeps ? memory.visitor : "";
    write();
    return memory.visit;
  }

  // ---- sending ----

  let timer, leaves = [], wait = 0;
  function add(type, properties, category) {
    if (refused) return "";
    const event = { id: id(), type: type, at: Date.now(), url: location.href, title: d.title };
    if (properties) event.properties = properties;
    if (category) event.category = category;
    if (!allowed()) {
      held = held.concat(event).slice(-MOST);
      return event.id;
    }
    visit();
    memory.queue = (memory.queue || []).concat(event).slice(-MOST);
    write();
    soon(800);
    return event.id;
  }
  function soon(after) {
    clearTimeout(timer);
    timer = setTimeout(flush, after);
  }
  function flush(extra, leaving) {
    clearTimeout(timer);
    if (!allowed() && !(extra && "consent" in extra)) return;
    const state = read(), events = (state.queue || []).slice(0, 50);
    if (!events.length && !leaves.length && !extra && !click) return;
    const start = state.visit || {};
    const body = Object.assign({ key: key, sent: Date.now(), visitor: state.visitor, events: events }, extra);
    body.visit = { id: start.id, at: start.at, page: start.page, referrer: start.referrer };
    if (leaves.length) body.leaves = leaves;
    if (click) body.click = click;
    const signs = [];
    if (n.webdriver) signs.push("webdriver");
    if (!screen.width) signs.push("no_screen");
    if (signs.length) body.signs = signs;
    const text = JSON.stringify(body);
    const gone = events.map((event) => event.id), left = leaves, clicked = click;
    leaves = [];
    click = "";
    drop(gone);
    if (leaving && n.sendBeacon && n.sendBeacon(server, text)) return;
    fetch(server, { method: "POST", body: text, keepalive: text.length < 60000, credentials: "omit" }).then(
      (answer) => {
        if (answer.ok) wait = 0;
        // What is wrong stays wrong; what is too much or not possible now may go later.
        if (answer.status === 429 || answer.status >= 500) again();
        else if ((read().queue || []).length) soon(0);
      },
      () => again(),
    );
    function again() {
      if (extra) memory.identified = 0;
      leaves = left.concat(leaves);
      click = click || clicked;
      const queue = read().queue || [];
      memory.queue = events.concat(queue).slice(0, MOST);
      write();
      wait = Math.min(wait ? wait * 2 : 5000, 300000);
      soon(wait);
    }
  }
  function drop(ids) {
    // read() puts another object in the place of `memory`: first it, then what is written.
    const queue = read().queue || [];
    memory.queue = queue.filter((event) => ids.indexOf(event.id) < 0);
    write();
  }

  // ---- pages ----

  let current, shown = "", since = 0, seen = 0, depth = 0;
  function address() {
    const hash = /^#!?\//.test(location.hash) ? location.hash : "";
    return location.pathname + location.search + hash;
  }
  function page() {
    leave();
    shown = address();
    seen = depth = 0;
    since = d.visibilityState === "visible" ? Date.now() : 0;
    current = add("page_view", d.referrer && !api.loaded ? { referrer: d.referrer.split("?")[0] } : undefined);
    d.querySelectorAll("[data-leadcrm-view]").forEach((place) => {
      const given = attributes(place);
      const type = VIEWS[given.view] || given.view;
      delete given.view;
      add(type, given, given.category);
    });
    fill();
  }
  function moved() {
    if (api.loaded && address() !== shown) setTimeout(() => address() !== shown && page(), 50);
  }
  function leave() {
    if (since) seen += Date.now() - since;
    since = 0;
    if (current && seen > 1000 && allowed()) {
      leaves = leaves.filter((one) => one.of !== current);
      leaves.push({ of: current, seconds: Math.round(seen / 1000), scroll: depth });
    }
  }
  function attributes(place) {
    const found = {};
    for (const name in place.dataset) {
      if (name.slice(0, 7) === "leadcrm") found[name.slice(7).replace(/[A-Z]/g, (c, i) => (i ? "_" : "") + c.toLowerCase())] = place.dataset[name];
    }
    return found;
  }

  // ---- links and forms ----

  function onClick(event) {
    const place = event.target.closest && event.target.closest("a[href],[data-leadcrm-track]");
    if (!place) return;
    const given = attributes(place);
    if (given.track) {
      const type = given.track;
      delete given.track;
      add(type, given, given.category);
    }
    if (!place.href || !/^https?:$/.test(place.protocol)) return;
    if (place.origin === server.origin && /^\/f\//.test(place.pathname) && api.visitor && allowed()) {
      const url = new URL(place.href);
      url.searchParams.set("lc_visitor", api.visitor);
      place.href = url;
    }
    if (!config.links) return;
    const to = place.href.split("?")[0];
    if (FILE.test(place.pathname)) add("asset_download", { asset: place.pathname.split("/").pop(), to: to });
    else if (place.host !== location.host) add("link_click", { to: to, name: (place.textContent || "").trim().slice(0, 80) });
  }
  // Forms of this server learn whose browser it is; those in frames when they say how high they are.
  function fill() {
    if (!api.visitor || !allowed()) return;
    d.querySelectorAll('input[name="lc_visitor"]').forEach((input) => { input.value = api.visitor; });
  }
  function onSubmit(event) {
    const form = event.target;
    const ours = String(form.action).indexOf(server.origin + "/") === 0 || "leadcrm" in (form.dataset || {});
    if (!ours || !api.visitor || !allowed()) return;
    let input = form.querySelector('input[name="lc_visitor"]');
    if (!input) {
      input = d.createElement("input");
      input.type = "hidden";
      input.name = "lc_visitor";
      form.append(input);
    }
    input.value = api.visitor;
    flush();
  }
  function onMessage(event) {
    if (event.origin !== server.origin || !event.data || !event.data.leadcrmHeight) return;
    if (api.visitor && allowed()) event.source.postMessage({ leadcrmVisitor: api.visitor }, server.origin);
  }

  // ---- what pages may ask ----

  const commands = {
    track: (type, properties, category) => add(String(type), properties, category || (properties && properties.category)),
    page: () => page(),
    visitor: (use) => use(allowed() ? api.visitor : ""),
    identify(email, signature) {
      if (!email || !keeps || !allowed()) return;
      visit();
      // Pages may say it each time; once a visit is enough. A number, so that no address is kept.
      const mark = Array.from(email + signature + memory.visit.id).reduce((h, c) => (h * 31 + c.charCodeAt(0)) | 0, 7);
      if (memory.identified === mark) return;
      memory.identified = mark;
      write();
      flush({ identify: { email: String(email), signature: String(signature || "") } });
    },
    reset() {
      if (refused) return;
      flush();
      memory = { consent: read().consent };
      write();
      if (allowed()) visit();
    },
    consent(yes) {
      if (refused) return;
      const said = read().consent;
      if (yes) {
        memory.consent = 1;
        write();
        visit();
        memory.queue = held.concat(memory.queue || []);
        held = [];
        write();
        flush(said === 1 ? undefined : { consent: true });
        fill();
      } else {
        if (memory.visitor) flush({ consent: false, events: [] });
        memory = { consent: 0 };
        held = [];
        leaves = [];
        api.visitor = "";
        write();
      }
    },
  };
  function api(name) {
    if (commands[name]) commands[name].apply(null, [].slice.call(arguments, 1));
  }

  function start() {
    if (refused) {
      if (keeps && read().visitor) {
        memory = {};
        write();
      }
      return;
    }
    const here = new URL(location.href);
    click = here.searchParams.get("lc_click") || "";
    if (allowed()) visit();
    if (click) {
      if (!keeps) click = "";
      here.searchParams.delete("lc_click");
      history.replaceState(history.state, "", here);
    }
    page();
    ["pushState", "replaceState"].forEach((name) => {
      const original = history[name];
      history[name] = function () {
        const result = original.apply(this, arguments);
        moved();
        return result;
      };
    });
    w.addEventListener("popstate", moved);
    w.addEventListener("hashchange", moved);
    w.addEventListener("message", onMessage);
    d.addEventListener("click", onClick, true);
    d.addEventListener("submit", onSubmit, true);
    w.addEventListener("scroll", () => {
      const height = d.documentElement.scrollHeight || 1;
      depth = Math.max(depth, Math.min(100, Math.round(((w.scrollY + w.innerHeight) / height) * 100)));
    }, { passive: true });
    d.addEventListener("visibilitychange", () => {
      if (d.visibilityState === "visible") since = Date.now();
      else {
        leave();
        flush(undefined, true);
      }
    });
    w.addEventListener("pagehide", () => {
      leave();
      flush(undefined, true);
    });
  }

  function begin() {
    w.leadcrm = api;
    const waiting = (early && early.q) || [];
    // Consent and reset come before the first page, the rest after it.
    waiting.filter((call) => call[0] === "consent" || call[0] === "reset").forEach((call) => api.apply(null, call));
    start();
    api.loaded = true;
    waiting.filter((call) => call[0] !== "consent" && call[0] !== "reset").forEach((call) => api.apply(null, call));
    d.dispatchEvent(new Event("leadcrm:ready"));
  }
  function ready() {
    if (d.readyState === "loading") d.addEventListener("DOMContentLoaded", begin);
    else begin();
  }
  if (d.prerendering) d.addEventListener("prerenderingchange", ready, { once: true });
  else ready();
})("CONFIG");
