{% autoescape off %}(() => {
  const here = document.currentScript;
  const slug = {{ slug }};
  const address = new URL({{ address }});
  address.searchParams.set("lc_page", location.href);
  address.searchParams.set("lc_ref", document.referrer);
  // An iframe that stands there already is only kept at its height.
  const standing = document.querySelector(`iframe[data-leadcrm-frame=${CSS.escape(slug)}]`);
  const frame = standing || document.createElement("iframe");
  addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow || event.origin !== address.origin) return;
    const height = Number(event.data?.leadcrmHeight);
    if (height > 0) frame.height = String(Math.min(Math.ceil(height), 5000));
  });
  if (standing) return;
  frame.title = {{ title }};
  frame.loading = "lazy";
  frame.width = "100%";
  frame.height = "640";
  frame.style.border = "0";
  const visitor = {{ knows_visitors }} && window.leadcrm?.visitor;
  if (typeof visitor === "string" && visitor) address.searchParams.set("lc_visitor", visitor);
  frame.src = address;
  const place = document.querySelector(`[data-leadcrm-form=${CSS.escape(slug)}]:empty`);
  place ? place.append(frame) : here.after(frame);
})();{% endautoescape %}
