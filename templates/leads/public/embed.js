{% autoescape off %}(() => {
  const here = document.currentScript;
  const address = new URL({{ address }});
  address.searchParams.set("lc_page", location.href);
  address.searchParams.set("lc_ref", document.referrer);
  const frame = document.createElement("iframe");
  frame.src = address;
  frame.title = {{ title }};
  frame.loading = "lazy";
  frame.width = "100%";
  frame.height = "640";
  frame.style.border = "0";
  addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow || event.origin !== address.origin) return;
    const height = Number(event.data?.leadcrmHeight);
    if (height > 0) frame.height = String(Math.min(Math.ceil(height), 5000));
  });
  const place = document.querySelector(`[data-leadcrm-form=${CSS.escape({{ slug }})}]:empty`);
  place ? place.append(frame) : here.after(frame);
})();{% endautoescape %}
