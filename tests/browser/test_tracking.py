"""Our script on somebody else's website, under a policy that forbids nearly everything."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from leadcrm.accounts.models import Role
from leadcrm.lib import pump
from leads.models import Lead, TrackedSite, Visitor, VisitorEvent
from tests.browser.conftest import SignIn
from tests.factories import UserFactory
from tests.leads.websites import FIREFOX, forget_all, make_site

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PERSON = "Object.defineProperty(navigator, 'webdriver', { get: () => false });"
GPC = "Object.defineProperty(navigator, 'globalPrivacyControl', { get: () => true });"

PAGE = """<!doctype html><html lang="en"><title>{title}</title><body>
<h1>{title}</h1><nav><a href="/pricing">Pricing</a> <a href="/guide.pdf" download>Guide</a></nav>
<div data-leadcrm-view="product" data-leadcrm-name="Planner" data-leadcrm-category="planning"></div>
<button id="next">Next</button>
<form id="ask"><input name="email"><button>Ask</button></form><output id="said"></output>
<script src="/site.js"></script>
<script async src="{server}/t.js?k={key}"></script></body></html>"""

# What a website's own script does: a route of its own, and a form sent through the API.
SITE = """
document.getElementById("next").onclick = () => {{
  history.pushState(null, "", "/features"); document.title = "Features";
}};
document.getElementById("ask").onsubmit = (event) => {{
  event.preventDefault();
  const fields = {{ email: event.target.email.value }};
  leadcrm("visitor", async (visitor) => {{
    const answer = await fetch("{server}/api/v1/capture/", {{
      method: "POST",
      headers: {{ "Authorization": "Bearer {key}", "Content-Type": "application/json" }},
      body: JSON.stringify({{ fields, context: {{ visitor, page_url: location.href }} }}),
    }});
    document.getElementById("said").textContent = answer.status;
  }});
}};
"""


class Pages(BaseHTTPRequestHandler):
    """A website with a strict Content-Security-Policy."""

    def __init__(self, server: str, keys: list[str], *args: object) -> None:
        self.ours, self.keys = server, keys
        super().__init__(*args)

    def do_GET(self) -> None:
        title = {"/": "Home", "/pricing": "Pricing"}.get(self.path.split("?")[0], "Other")
        is_script = self.path == "/site.js"
        text = (SITE if is_script else PAGE).format(title=title, server=self.ours, key=self.keys[0])
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if is_script else "text/html")
        self.send_header(
            "Content-Security-Policy",
            f"default-src 'none'; script-src 'self' {self.ours}; connect-src {self.ours}; "
            "base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'",
        )
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args: object) -> None:
        """Quietly."""


@pytest.fixture
def website(live_server: LiveServer) -> Iterator[str]:
    keys: list[str] = []
    handler = partial(Pages, live_server.url, keys)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    keys.append(make_site(address).key)
    yield address
    server.shutdown()
    server.server_close()
    thread.join()
    forget_all()


def visit(sign_in: SignIn, address: str, *scripts: str) -> Page:
    page = sign_in(None, "/healthz", user_agent=FIREFOX)
    for script in scripts:
        page.context.add_init_script(script)
    page.goto(address, wait_until="networkidle")
    return page


def told() -> list[tuple[str, str]]:
    rows = VisitorEvent.objects.order_by("occurred_at", "pk")
    return [(row.type, str(row.properties.get("title"))) for row in rows]


def test_what_somebody_did_stands_on_the_timeline_once_a_form_is_sent(
    website: str, sign_in: SignIn
) -> None:
    alice = visit(sign_in, f"{website}/?utm_source=news&utm_medium=email", PERSON)
    sent: list[str] = []
    alice.on("request", lambda request: sent.append(request.url))
    with alice.expect_response("**/t/"):
        alice.get_by_text("Next").click()
    alice.get_by_role("link", name="Pricing").click()
    alice.wait_for_load_state("networkidle")
    alice.get_by_role("textbox").fill("alice@kestrel.example")
    with alice.expect_response("**/t/"):
        alice.get_by_text("Ask").click()
        expect(alice.locator("#said")).to_have_text("202")
        alice.evaluate("leadcrm('track', 'demo_clicked', { name: 'Ask' })")
    pump.run_all()
    assert len([url for url in sent if url.endswith("/t/")]) < 12  # nothing over and over again

    lead = Lead.objects.get()
    page = sign_in(UserFactory(role=Role.ADMIN), f"/leads/{lead.public_id}/")
    expect(page.locator("#timeline")).to_contain_text("Pricing")
    expect(page.locator("#timeline")).to_contain_text("Demo clicked")
    expect(page.locator("#website")).to_contain_text("Firefox on Linux")
    assert [title for type_, title in told() if type_ == "page_view"] == [
        "Home",
        "Features",
        "Pricing",
    ]
    assert ("product_view", "Home") in told()
    assert lead.touches.order_by("occurred_at", "pk").first().channel == "email"
    page.get_by_role("button", name="Cut").click()
    expect(page.locator("#timeline")).not_to_contain_text("Demo clicked")


def test_signals_and_consent_are_honoured_and_programs_are_told_apart(
    website: str, sign_in: SignIn
) -> None:
    alice = visit(sign_in, website, PERSON, GPC)
    assert alice.evaluate("localStorage.getItem('leadcrm')") is None
    alice.goto("about:blank")  # a page that is left sends what it has
    pump.run_all()
    assert not Visitor.objects.exists()

    TrackedSite.objects.update(waits_for_consent=True)
    forget_all()
    bob = visit(sign_in, website, PERSON)
    assert bob.evaluate("localStorage.getItem('leadcrm')") is None
    with bob.expect_response("**/t/"):
        bob.evaluate("leadcrm('consent', true)")
    pump.run_all()
    assert ("page_view", "Home") in told()

    with bob.expect_response("**/t/"):
        bob.evaluate("leadcrm('consent', false)")
    pump.run_all()
    assert Visitor.objects.get().consent == "denied"
    assert bob.evaluate("localStorage.getItem('leadcrm')") == '{"consent":0}'

    TrackedSite.objects.update(waits_for_consent=False)
    forget_all()
    program = visit(sign_in, website)
    with program.expect_response("**/t/"):
        program.evaluate("leadcrm('track', 'clicked')")
    pump.run_all()
    assert Visitor.objects.order_by("-pk")[0].reasons == ["webdriver"]
