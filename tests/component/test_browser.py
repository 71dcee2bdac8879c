"""The component in a real browser: what a user does with it, and what it does where something is wrong."""

from playwright.sync_api import Browser, Route, expect

from tests.browsers import NARROW, axe_violations
from tests.component.parts import Product, Shown, showing
from tests.servers import tokenry
from tokenry.client import Client

HOSTILE = '<img src=x onerror="document.title=1">\u202e"\'&amp;{{7*7}}'
EXPIRED = "This page was open for too long. Load it again to go on."
RENEWAL_MS = 5000
WHERE_IT_IS = """secret => {
    const within = document.querySelector("tokenry-tokens").shadowRoot;
    const all = [...document.querySelectorAll("*"), ...within.querySelectorAll("*")];
    const values = all.flatMap(each => [each.value, ...[...each.attributes].map(attribute => attribute.value)]);
    const kept = [{...localStorage}, {...sessionStorage}, document.cookie, location.href, history.state];
    return [...values, JSON.stringify(kept)].filter(text => String(text).includes(secret));
}"""
"""Where a secret is but in a text, within the page and what it keeps."""


def is_valid(product: Product, secret: str) -> bool:
    with Client(product.service.url, secret) as client:
        return client.verify(secret).active


def test_token_from_its_first_day_to_its_last(shown: Shown) -> None:
    product = shown.product
    secret = shown.create("laptop")
    expect(shown.status).to_have_text("laptop is ready.")
    assert is_valid(product, secret)

    shown.button("Rename: laptop").click()
    shown.dialog.get_by_label("Name").fill("phone")
    shown.send()
    expect(shown.status).to_have_text("Renamed to phone.")
    expect(shown.button("Rename: phone")).to_be_focused()

    shown.button("Replace secret: phone").click()
    shown.dialog.get_by_label("The old secret stops working").select_option("At once")
    shown.send()
    shown.button("I have saved it").wait_for()
    replaced = shown.read_secret()
    assert replaced != secret
    shown.button("I have saved it").click()
    assert (is_valid(product, secret), is_valid(product, replaced)) == (False, True)

    shown.button("Replace secret: phone").click()
    shown.send()
    shown.button("I have saved it").wait_for()
    latest = shown.read_secret()
    shown.button("I have saved it").click()
    assert (is_valid(product, replaced), is_valid(product, latest)) == (True, True), "the grace is a day"

    shown.create("other")
    shown.button("Revoke: phone").click()
    shown.send()
    expect(shown.status).to_have_text("phone is revoked.")
    assert not is_valid(product, latest)
    expect(shown.button("Revoke: phone")).to_have_count(0)
    expect(shown.button("New token")).to_be_focused()  # nothing comes after it


def test_secret_is_shown_once_and_is_nowhere_else(shown: Shown) -> None:
    page = shown.page
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    shown.button("New token").click()
    shown.dialog.get_by_label("Name").fill("laptop")
    shown.dialog.get_by_label("invoices:read_only").check()
    shown.send()
    shown.button("Copy").click()
    expect(shown.dialog.get_by_role("status")).to_have_text("Copied.")
    secret = shown.read_secret()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    for _ in range(3):
        page.keyboard.press("Escape")
    assert shown.read_secret() == secret, "nothing but the button closes it"
    found = page.evaluate(WHERE_IT_IS, secret)
    assert found == []
    shown.button("I have saved it").click()
    expect(shown.status).to_have_text("laptop is ready.")
    assert secret not in page.evaluate("document.querySelector('tokenry-tokens').shadowRoot.textContent")
    assert all(secret not in address for address in addresses)
    shown.open()
    expect(page.get_by_text(f"{secret[:16]}…")).to_be_visible()


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(shown: Shown) -> None:
    shown.button("New token").click()
    shown.send()
    label = shown.dialog.get_by_label("Name")
    expect(label).to_have_attribute("aria-invalid", "true")
    expect(label).to_have_accessible_description("Length must be 1-100 characters")
    expect(shown.dialog.get_by_label("customers:read_only")).to_have_accessible_description(
        "Must contain at least one scope"
    )
    expect(label).to_be_focused()
    label.fill("laptop")
    shown.send()
    expect(label).not_to_have_attribute("aria-invalid", "true")
    expect(label).to_have_value("laptop")
    expect(shown.dialog.get_by_label("invoices:read_only")).to_be_focused()


def test_choices_are_those_of_the_ceiling_and_the_policy(shown: Shown) -> None:
    def allow(lifetime: str) -> None:
        place = ("--data-dir", str(shown.product.service.data_dir))
        done = tokenry("admin", "policy", "set", "--max-lifetime", lifetime, *place)
        assert done.returncode == 0, done.stderr

    def choices() -> tuple[list[str], list[str]]:
        shown.button("New token").click()
        shown.dialog.wait_for()
        scopes = shown.dialog.get_by_role("checkbox").evaluate_all("boxes => boxes.map(box => box.value)")
        spans = shown.dialog.locator("option").all_inner_texts()
        shown.button("Cancel").click()
        return scopes, [span.partition(" (")[0] for span in spans]

    scopes = ["invoices:read_only", "invoices:read_write", "customers:read_only"]
    assert choices() == (scopes, ["7 days", "30 days", "60 days", "90 days", "365 days", "Never expires"])
    try:
        allow("45d")
        assert choices() == (scopes, ["7 days", "30 days", "45 days"])
        shown.button("New token").click()
        shown.dialog.get_by_label("Name").fill("longest")
        shown.dialog.get_by_label("invoices:read_only").check()
        shown.dialog.get_by_label("Expires").select_option(index=2)
        shown.send()
        shown.button("I have saved it").wait_for()
    finally:
        allow("none")


def test_labels_are_text(shown: Shown) -> None:
    shown.product.backend.users.tokens(shown.user).create(label=HOSTILE, scopes="invoices:read_only")
    shown.open()
    expect(shown.page.get_by_text(HOSTILE, exact=True)).to_be_visible()
    for name in ("Rename", "Replace secret", "Revoke"):
        shown.page.get_by_role("button", name=f"{name}: <img").click()
        expect(shown.dialog.get_by_role("heading")).to_have_text(f"{name}: {HOSTILE}")
        shown.button("Cancel").click()
    assert shown.page.title() == "Settings"


def test_page_in_another_language_has_its_own_words(shown: Shown) -> None:
    assigns = "customElements.whenDefined('tokenry-tokens').then((element) => (element.words.create = 'Neues Token'))"
    shown.page.add_init_script(assigns)
    shown.page.reload()
    shown.button("Neues Token").click()
    expect(shown.dialog.get_by_role("heading")).to_have_text("Neues Token")


def test_page_that_gives_another_token_goes_on_without_notice(shown: Shown) -> None:
    page, backend = shown.page, shown.product.backend
    shown.button("New token").click()
    shown.dialog.get_by_label("Name").fill("laptop")
    shown.dialog.get_by_label("invoices:read_only").check()
    backend.users.tokens(shown.user).revoke_all()  # which ends the page token, as a quarter of an hour does
    page.expose_function("renew", lambda: shown.product.page_token(shown.user))
    page.evaluate(
        """() => {
            const element = document.querySelector("tokenry-tokens");
            window.asked = 0;
            document.addEventListener("tokenry-expired", async (event) => {
                window.asked += 1;
                element.setAttribute("token", await window.renew());
            });
        }"""
    )
    shown.send()
    shown.button("I have saved it").click()
    expect(shown.status).to_have_text("laptop is ready.")
    assert page.evaluate("window.asked") == 1


def test_page_that_gives_none_says_so_and_keeps_what_was_typed(browser: Browser, product: Product) -> None:
    with showing(browser, product) as shown:
        page = shown.page
        page.clock.install()
        shown.open()
        shown.button("New token").click()
        shown.dialog.get_by_label("Name").fill("laptop")
        shown.dialog.get_by_label("invoices:read_only").check()
        product.backend.users.tokens(shown.user).revoke_all()
        with page.expect_response("**/page/tokens"):
            shown.send()
        page.clock.fast_forward(RENEWAL_MS)
        expect(shown.dialog.get_by_role("alert")).to_contain_text(EXPIRED)
        token = product.page_token(shown.user)
        page.evaluate("token => document.querySelector('tokenry-tokens').setAttribute('token', token)", token)
        shown.send()
        shown.button("I have saved it").click()
        expect(shown.status).to_have_text("laptop is ready.")


def test_token_of_another_user_shows_that_ones_tokens_alone(shown: Shown) -> None:
    backend, other = shown.product.backend, shown.product.new_user()
    for user, label in ((shown.user, "former"), (other, "latter")):
        backend.users.tokens(user).create(label=label, scopes="invoices:read_only")
    shown.page.reload()
    expect(shown.page.get_by_text("former")).to_be_visible()
    late: list[Route] = []

    def hold(route: Route) -> None:
        late.append(route)  # what is asked with the former token, and answered late

    shown.page.route("**/page/tokens?*", hold, times=1)
    exchange = "token => document.querySelector('tokenry-tokens').setAttribute('token', token)"
    with shown.page.expect_request("**/page/tokens?*"):
        shown.page.evaluate(exchange, shown.product.page_token(shown.user))
    expect(shown.page.get_by_text("former")).not_to_be_visible()
    shown.page.evaluate(exchange, shown.product.page_token(other))
    expect(shown.page.get_by_text("latter")).to_be_visible()
    with shown.page.expect_response("**/page/tokens?*"):
        late[0].continue_()
    shown.page.evaluate("() => new Promise(requestAnimationFrame)")
    expect(shown.page.get_by_text("latter")).to_be_visible()
    expect(shown.page.get_by_text("former")).not_to_be_visible()


def test_lost_answer_makes_nothing_twice(shown: Shown) -> None:
    def lose(route: Route) -> None:
        route.fetch()
        route.abort("connectionreset")

    shown.button("New token").click()
    shown.dialog.get_by_label("Name").fill("laptop")
    shown.dialog.get_by_label("invoices:read_only").check()
    shown.page.route("**/page/tokens", lose, times=2)  # its preflight is not among them
    shown.send()
    expect(shown.dialog.get_by_role("alert")).to_contain_text("The token service does not answer. Try again.")
    shown.page.unroute_all()
    shown.send()
    secret = shown.read_secret()
    shown.button("I have saved it").click()
    expect(shown.status).to_have_text("laptop is ready.")
    assert [token.label for token in shown.product.backend.users.tokens(shown.user).list()] == ["laptop"]
    assert is_valid(shown.product, secret)


def test_it_is_for_everybody(shown: Shown) -> None:
    """By the keyboard alone, in light and in dark, and in a narrow window."""
    page = shown.page
    shown.product.backend.users.tokens(shown.user).create(label="x" * 100, scopes="invoices:read_only")
    shown.open()

    def look(where: str) -> None:
        assert axe_violations(page) == [], where
        for width in (NARROW["width"], 1280):
            page.set_viewport_size({"width": width, "height": 640})
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), where

    look("the list")
    page.keyboard.press("Tab")
    shown.tab_to(shown.button("New token"))
    page.keyboard.press("Enter")
    shown.dialog.wait_for()
    shown.tab_to(shown.dialog.get_by_label("Name"))
    page.keyboard.type("laptop")
    page.keyboard.press("Enter")
    expect(shown.dialog.get_by_label("invoices:read_only")).to_have_attribute("aria-invalid", "true")
    look("what is wrong")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    shown.button("Copy").wait_for()
    look("the secret")
    shown.tab_to(shown.button("I have saved it"))
    page.keyboard.press("Enter")
    expect(shown.status).to_have_text("laptop is ready.")
    shown.tab_to(shown.button("Revoke: laptop"))
    page.keyboard.press("Enter")
    look("the question")
    page.keyboard.press("Escape")
    expect(shown.button("Revoke: laptop")).to_be_focused()  # where one came from
    page.keyboard.press("Enter")
    shown.tab_to(shown.dialog.locator("button:not([type])"))
    page.keyboard.press("Enter")
    expect(shown.status).to_have_text("laptop is revoked.")
    expect(page.get_by_role("button", name="Revoke: xxx")).to_be_focused()  # the next one
