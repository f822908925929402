"""The demo page, driven in Debian's Chromium as a person would, and the files it is made of."""

import base64
import json
import re
import shutil
import subprocess
from contextlib import suppress
from io import BytesIO
from itertools import pairwise
from typing import get_args

import httpx2 as httpx
import numpy as np
import onnx
import pytest
from axe_playwright_python.sync_playwright import Axe
from onnx import numpy_helper
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from model.contract import ARTIFACTS, LAYERS_FILE
from service.page import FILES
from service.schemas import FramingWarning, Reason
from tests.conftest import ROOT, encoded, png, running_server
from tests.samples import IMAGES, LABELS, enlarged

expect.set_options(timeout=20_000)  # a busy machine draws with its processor

CHROMIUM = shutil.which("chromium")
in_a_browser = pytest.mark.skipif(not CHROMIUM, reason="Debian's chromium is not installed")

STROKES = {
    0: [[(50, 15), (35, 22), (28, 40), (28, 60), (35, 78), (50, 85), (65, 78), (72, 60), (72, 40), (65, 22), (50, 15)]],
    1: [[(50, 15), (49, 50), (50, 85)]],
    2: [[(30, 32), (36, 20), (50, 15), (64, 20), (69, 33), (62, 48), (45, 65), (28, 83), (50, 82), (74, 83)]],
    3: [[(32, 22), (48, 15), (64, 21), (66, 36), (50, 47), (66, 56), (70, 70), (60, 83), (44, 86), (30, 79)]],
    4: [[(36, 15), (33, 35), (30, 54), (50, 53), (72, 52)], [(62, 15), (61, 50), (60, 88)]],
    5: [[(68, 16), (36, 16), (33, 45), (50, 41), (66, 50), (69, 67), (58, 83), (42, 86), (29, 79)]],
    6: [[(62, 14), (44, 26), (33, 46), (30, 66), (38, 82), (52, 86), (66, 79), (69, 65), (60, 54), (46, 54), (34, 64)]],
    7: [[(28, 18), (50, 17), (72, 18), (58, 45), (46, 86)]],
    8: [
        [(64, 26), (50, 15), (36, 24), (40, 38), (60, 54), (68, 70), (58, 84)],
        [(58, 84), (42, 84), (33, 70), (42, 54), (60, 38), (64, 26)],
    ],
    9: [[(67, 32), (56, 17), (40, 19), (32, 34), (40, 49), (56, 48), (67, 32), (66, 60), (60, 86)]],
}
"""How a hand draws each digit, in hundredths of the sheet."""


@pytest.fixture(scope="module")
def browser():
    """One Chromium for all tests, with a camera that shows a test picture."""
    args = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=args)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser, server):
    """Opens the page. At the end it must have logged nothing bad, and asked nobody but its own server."""
    faults, contexts = [], []

    def opened(url=server.url, expected="", script="", **options):
        context = browser.new_context(reduced_motion="reduce", **options)
        contexts.append(context)

        def abort(route):
            faults.append(f"asked for {route.request.url}")
            route.abort()

        def note(message):
            if message.type in ("error", "warning") and not (expected and expected in message.text):
                faults.append(message.text)

        context.route(lambda address: not address.startswith((url, "data:", "blob:")), abort)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.set_default_timeout(20_000)
        if script:
            page.add_init_script(script)
        page.goto(url)
        expect(page.locator("#hardest button")).to_have_count(20)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not faults


@pytest.fixture
def page(open_page):
    """The page as a desktop shows it."""
    return open_page(viewport={"width": 1280, "height": 900})


def draw(page, strokes, lift=True):
    """Draw with the mouse, as the pointer events of a hand come: many to a stroke."""
    box = page.locator("#pad").bounding_box()

    def place(point):
        return box["x"] + point[0] / 100 * box["width"], box["y"] + point[1] / 100 * box["height"]

    for stroke in strokes:
        page.mouse.move(*place(stroke[0]))
        page.mouse.down()
        for point in stroke[1:]:
            page.mouse.move(*place(point), steps=5)
        if lift:
            page.mouse.up()


def expect_digit(page, digit):
    """The answer of what is on the sheet now, once it is there."""
    expect(page.locator("#answer")).to_have_attribute("aria-busy", "false")
    expect(page.locator("#digit")).to_have_text(str(digit))


def offer(page, event, picture, kind="image/png"):
    """Paste or drop a file, as the browser would tell the page."""
    page.evaluate(
        """([name, encoded, kind]) => {
            const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
            const transfer = new DataTransfer();
            if (bytes.length) transfer.items.add(new File([bytes], "digit.png", {type: kind}));
            const init = {bubbles: true, cancelable: true, clipboardData: transfer, dataTransfer: transfer};
            const made = name === "paste" ? new ClipboardEvent(name, init) : new DragEvent(name, init);
            document.getElementById("sheet").dispatchEvent(made);
        }""",
        [event, base64.b64encode(picture).decode(), kind],
    )


# The files


def test_the_page_is_small():
    """All of it, pictures included."""
    assert 0 < sum(path.stat().st_size for path in FILES.iterdir()) < 150_000


@pytest.mark.parametrize("path", ["/", "/page/main.js", "/page/page.css", "/page/gallery.png"])
def test_the_policy_allows_nothing_inline_and_nobody_else(client, path):
    """On the page, and on its files for whoever opens one."""
    headers = client.get(path).headers

    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"


def test_head_is_answered_as_get_without_a_body(client):
    """Monitors ask so."""
    head, get = client.head("/"), client.get("/")

    assert head.status_code == get.status_code == 200
    assert head.headers["content-length"] == get.headers["content-length"]
    assert not head.content


@pytest.mark.parametrize("path", ["/", "/page/main.js", "/docs", "/docs/start.js", "/docs/assets/swagger-ui.css"])
@pytest.mark.parametrize("asked_for", ["bytes=5-1", "bytes=0-3", "bytes=999999999-", "pages=1"])
def test_files_are_sent_whole(client, path, asked_for):
    """Whatever range is asked for. Fails where one that is odd is told in plain text."""
    answer = client.get(path, headers={"Range": asked_for})
    assert (answer.status_code, answer.content) == (200, client.get(path).content)


def test_other_methods_are_refused(client):
    """And told which are not."""
    response = client.post("/")

    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_what_the_page_links_is_there(client):
    """By relative addresses, so that the page also works behind a proxy's path prefix."""
    links = re.findall(r'(?:src|href)="([^"]+)"', client.get("/").text)
    imports = [name for path in FILES.glob("*.js") for name in re.findall(r'from "\./([^"]+)"', path.read_text())]

    assert [link for link in links if link.startswith("page/")]
    assert imports
    for link in [*links, *(f"page/{name}" for name in imports)]:
        assert link.startswith(("page/", "data:"))
        if link.startswith("page/"):
            assert client.get(f"/{link}").status_code == 200
    assert client.get("/page/nothing.js").status_code == 404


def test_the_gallery_shows_what_mnist_has(client):
    """Pixel by pixel, and with the right labels."""
    gallery = client.get("/page/gallery.json").json()
    sprite = np.asarray(Image.open(FILES / "gallery.png"))
    rows, columns = len(gallery["labels"]) // gallery["columns"], gallery["columns"]
    digits = sprite.reshape(rows, 28, columns, 28).swapaxes(1, 2).reshape(-1, 28, 28)
    order = np.argsort(LABELS, kind="stable")

    assert np.array_equal(digits[:40], IMAGES[order])
    assert gallery["labels"][:40] == LABELS[order].tolist()
    assert len(gallery["labels"]) == len(gallery["indexes"]) == 60


def test_the_key_protects_everything_but_the_page():
    """Which holds no secret, and is where the key is asked for."""
    with running_server(api_key="open sesame") as server, httpx.Client(base_url=server.url) as client:
        assert {client.get(path).status_code for path in ("/", "/page/main.js")} == {200}
        assert {client.get(path).status_code for path in ("/page", "/v1/model", "/nothing")} == {401}
        assert client.get("/page/%2e%2e/v1/model").status_code == 404


# Drawing


@in_a_browser
@pytest.mark.parametrize("digit", STROKES)
def test_a_drawn_digit_is_read(page, digit):
    """Each of the ten, by pointer events."""
    draw(page, STROKES[digit])

    expect_digit(page, digit)
    expect(page.locator("#words")).to_contain_text("Accepted.")
    assert page.locator("#bars li.best").inner_text().split()[0] == str(digit)
    expect(page.locator("#saw")).to_be_visible()
    expect(page.locator("#framing")).to_contain_text("Dark ink on light was made light on dark.")


@in_a_browser
def test_the_answer_comes_while_drawing(page):
    """The pen is still down."""
    draw(page, STROKES[7], lift=False)

    expect(page.locator("#digit")).to_have_text("7")
    page.mouse.up()


@in_a_browser
def test_the_answer_is_read_out(page):
    """By a live region that holds the digit and the words, whole; not while it is of an older drawing."""
    draw(page, STROKES[7])
    expect_digit(page, 7)
    live = page.get_by_role("status").filter(has=page.locator("#digit"))

    expect(live).to_have_attribute("aria-live", "polite")
    expect(live).to_have_attribute("aria-atomic", "true")
    expect(live).to_have_text(re.compile(r"^\s*7\s+Accepted\. \d+\.\d % sure\.\s*$"), use_inner_text=True)
    assert page.locator("[aria-busy]").filter(has=live).count() == 1


@in_a_browser
@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_reason_is_said_in_words(page, reason):
    """Whatever the service may give; its own names stay with programs. So with what framing noticed."""

    def judge(route):
        answer = route.fetch().json() | {"accepted": False, "reason": reason}
        answer["preprocessing"] |= {"rotated": 90, "warnings": get_args(FramingWarning)}
        route.fulfill(json=answer)

    page.route("**/predict?*", judge)
    draw(page, STROKES[3])
    expect_digit(page, 3)

    expect(page.locator("#words")).to_have_text(re.compile(r"^(Not accepted: [a-z ]+|There is no ink[a-z ]*)\."))
    expect(page.locator("#framing")).to_contain_text("Turned by 90°")
    expect(page.locator("#framing li")).to_have_count(3 + len(get_args(FramingWarning)))
    expect(page.locator("#answer")).not_to_contain_text("_")


@in_a_browser
def test_an_answer_that_is_no_longer_true_looks_old(page):
    """Where the next takes long, as with a large photo on a slow line; and no longer than that."""
    waiting = []
    draw(page, STROKES[3])
    expect_digit(page, 3)
    expect(page.locator("#answer")).not_to_have_class(re.compile("stale"))

    page.route("**/predict?*", lambda route: waiting.append(route), times=1)
    page.get_by_role("button", name="Undo").click()
    draw(page, STROKES[7])
    expect(page.locator("#answer")).to_have_class(re.compile("stale"))
    expect(page.locator("#answer > *").first).to_have_css("opacity", "0.45")
    waiting.pop().continue_()
    expect_digit(page, 7)
    expect(page.locator("#answer > *").first).to_have_css("opacity", "1")


@in_a_browser
def test_events_are_drawn_once_a_frame(page):
    """However many come between two: so that a frame has time for the rest."""
    page.route("**/predict?*", lambda _: None)  # the first question, which draws too, is under way until the end
    strokes = page.evaluate(
        """async () => {
            const pad = document.getElementById("pad");
            const box = pad.getBoundingClientRect();
            const frame = () => new Promise(requestAnimationFrame);
            const tell = (type, x) => pad.dispatchEvent(new PointerEvent(type, {
                bubbles: true, pointerId: 1, button: 0, pointerType: "mouse",
                clientX: box.left + x, clientY: box.top + 50,
            }));
            pad.setPointerCapture = () => {};
            let drawn = 0;
            const { stroke } = CanvasRenderingContext2D.prototype;
            CanvasRenderingContext2D.prototype.stroke = function () { drawn += 1; stroke.call(this); };
            const seen = [];
            tell("pointerdown", 0);
            await frame();
            await frame();
            for (let turn = 0; turn < 3; turn++) {
                drawn = 0;
                for (let x = 0; x < 100; x++) tell("pointermove", x);
                seen.push(drawn);
                await frame();
                await frame();
                seen.push(drawn);
            }
            return seen;
        }"""
    )
    assert strokes == [0, 100] * 3


@in_a_browser
def test_a_pen_draws_as_hard_as_it_is_pressed(page):
    """Twice as wide, or half."""
    box = page.locator("#pad").bounding_box()
    pen = page.context.new_cdp_session(page)

    def press(kind, x, y, force):
        place = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
        pen.send(
            "Input.dispatchMouseEvent",
            {"type": kind, **place, "button": "left", "buttons": 1, "pointerType": "pen", "force": force},
        )

    for x, force in ((0.25, 0.1), (0.75, 0.9)):
        press("mousePressed", x, 0.2, force)
        for step in range(1, 9):
            press("mouseMoved", x, 0.2 + step * 0.07, force)
        press("mouseReleased", x, 0.76, 0)
    uri = page.evaluate("document.getElementById('pad').toDataURL()")
    row = np.asarray(Image.open(BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("L"))[280]
    light, hard = (np.count_nonzero(half < 128) for half in np.split(row, 2))
    assert 0 < light < 0.6 * hard


@in_a_browser
def test_one_question_at_a_time_and_the_last_one_wins(open_page):
    """However fast the hand: the answer that stays is of the whole drawing."""
    page = open_page(
        script="""
        window.asked = {now: 0, most: 0, all: 0};
        const fetched = window.fetch;
        window.fetch = async (path, options) => {
            if (!String(path).startsWith("predict")) return fetched(path, options);
            asked.all += 1;
            asked.most = Math.max(asked.most, ++asked.now);
            try { return await fetched(path, options); } finally { asked.now -= 1; }
        };
        """
    )
    draw(page, STROKES[4])
    expect_digit(page, 4)
    asked = page.evaluate("asked")

    assert asked["most"] == 1
    assert 2 <= asked["all"] < sum(len(stroke) for stroke in STROKES[4]) * 5


@in_a_browser
def test_strokes_can_be_taken_back_erased_and_cleared(page):
    """Undo brings back what was cleared, too."""
    draw(page, STROKES[1])
    expect_digit(page, 1)
    draw(page, [[(20, 85), (50, 85), (80, 85)], [(20, 15), (80, 85)]])
    page.get_by_role("button", name="Undo").click()
    page.keyboard.press("Control+z")
    expect_digit(page, 1)

    page.get_by_role("button", name="Clear").click()
    expect_digit(page, "")
    expect(page.locator("#hint")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect_digit(page, 1)

    page.get_by_role("button", name="Eraser").click()
    page.locator("#brush").fill("40")
    draw(page, STROKES[1])
    expect_digit(page, "–")
    expect(page.locator("#words")).to_have_text("There is no ink to read.")


@in_a_browser
def test_the_keyboard_draws(page):
    """The space bar puts the pen down, arrow keys move it."""
    page.locator("#pad").focus()
    page.keyboard.press("Space")
    for _ in range(20):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")

    expect_digit(page, 1)


@in_a_browser
def test_every_control_is_reached_by_the_tab_key(page):
    """In the order of the page, and the gallery as two stops rather than sixty."""
    draw(page, STROKES[3])
    expect_digit(page, 3)
    page.evaluate("document.body.tabIndex = -1; document.body.focus()")
    seen = []
    while True:
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.id || document.activeElement.getAttribute('aria-label') || ''")
        if not name or name in seen:
            break
        seen.append(name)

    controls = ["pad", "pen", "eraser", "undo", "clear", "brush", "upload", "camera"]
    assert seen[: len(controls)] == controls
    assert {"noise", "rotation", "scale", "across", "down", "stroke", "reset", "play", "curl"} <= set(seen)
    assert len([name for name in seen if ", number " in name]) == 2
    assert len([name for name in seen if "arrow keys" in name]) == 8


# Pictures from elsewhere


@in_a_browser
def test_a_photo_can_be_uploaded(page):
    """Its own bytes are sent, not the sheet's copy of it."""
    with page.expect_request("**/predict?*") as asked:
        page.locator("#file").set_input_files(ROOT / "docs" / "seven.jpg")

    expect_digit(page, 7)
    assert asked.value.post_data_buffer == (ROOT / "docs" / "seven.jpg").read_bytes()
    expect(page.locator("#framing")).to_contain_text("The light is uneven.")


@in_a_browser
def test_a_format_that_the_browser_cannot_show_is_sent_all_the_same(page):
    """The service reads more than browsers do."""
    tiff = encoded(enlarged(IMAGES[0]), "TIFF")
    page.locator("#file").set_input_files({"name": "digit.tiff", "mimeType": "image/tiff", "buffer": tiff})

    expect_digit(page, LABELS[0])
    expect(page.locator("#hint")).to_have_text("This browser cannot show the format")


@in_a_browser
@pytest.mark.parametrize("event", ["paste", "drop"])
def test_a_picture_can_be_pasted_and_dropped(page, event):
    """From a screenshot tool, say."""
    offer(page, event, png(np.asarray(enlarged(IMAGES[1]))))

    expect_digit(page, LABELS[1])


@in_a_browser
def test_what_is_no_picture_is_said_in_words(open_page):
    """The service's own words, and the page's where there is no file at all."""
    page = open_page(expected="status of 415")
    offer(page, "paste", b"%PDF-1.7 and so on", "application/pdf")
    expect(page.locator("#words")).to_contain_text("PNG, JPEG")

    offer(page, "paste", b"")
    expect(page.locator("#words")).to_have_text("There is no picture in what was pasted.")


@in_a_browser
def test_the_camera_takes_a_picture(page):
    """Chromium's test camera shows something that moves."""
    page.get_by_role("button", name="Camera").click()
    expect(page.locator("#camera-dialog")).to_be_visible()
    expect(page.locator("#video")).to_have_js_property("readyState", 4)  # enough data to play
    with page.expect_response("**/predict?*"):
        page.get_by_role("button", name="Take it").click()

    expect(page.locator("#camera-dialog")).to_be_hidden()
    expect(page.locator("#saw")).to_be_visible()
    assert page.evaluate("document.getElementById('video').srcObject") is None


@in_a_browser
def test_a_camera_that_is_asked_for_twice_is_let_go(open_page):
    """As by two clicks before it is allowed: no light stays on. What is lit is written on its button: the page's
    policy forbids to evaluate text, and with it to wait for a function of it."""
    page = open_page(
        script="""
            const streams = [];
            const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
            navigator.mediaDevices.getUserMedia = async (wanted) => {
                const stream = await ask(wanted);
                while (document.querySelectorAll("#camera[data-allowed]").length === 0)
                    await new Promise((resolve) => setTimeout(resolve, 10));
                streams.push(stream);
                return stream;
            };
            setInterval(() => {
                const lit = streams.filter((each) => each.getTracks().some((track) => track.readyState === "live"));
                for (const camera of document.querySelectorAll("#camera"))  // none until the page is read
                    Object.assign(camera.dataset, { granted: streams.length, lit: lit.length });
            }, 10);"""
    )
    camera = page.locator("#camera")
    page.get_by_role("button", name="Camera").click()
    page.get_by_role("button", name="Camera").click()
    page.evaluate("document.getElementById('camera').dataset.allowed = ''")
    expect(camera).to_have_attribute("data-granted", "2")
    page.get_by_role("button", name="Cancel").click()

    expect(camera).to_have_attribute("data-lit", "0")
    expect(page.locator("#words")).not_to_contain_text("camera")


@in_a_browser
def test_a_camera_without_a_picture_yet_takes_none(open_page):
    """It may need a second or two for its first."""
    page = open_page(script="Object.defineProperty(HTMLVideoElement.prototype, 'videoWidth', { get: () => 0 })")
    page.get_by_role("button", name="Camera").click()
    page.get_by_role("button", name="Take it").click()

    expect(page.locator("#camera-dialog")).to_be_visible()
    expect(page.locator("#words")).not_to_contain_text("failed")


@in_a_browser
def test_without_a_camera_the_page_says_so(open_page):
    """It may be forbidden, or not be there."""
    page = open_page(
        script="navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))"
    )
    page.get_by_role("button", name="Camera").click()

    expect(page.locator("#words")).to_have_text("The camera may not be used; upload a picture instead.")


@in_a_browser
def test_where_scripts_get_no_camera_the_file_chooser_opens(open_page):
    """As over plain HTTP, where a phone's chooser still offers its camera."""
    page = open_page(script="Object.defineProperty(navigator, 'mediaDevices', {value: undefined})")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Camera").click()
    chooser.value.set_files(ROOT / "docs" / "seven.jpg")

    expect_digit(page, 7)


# The gallery, and what makes digits harder


@in_a_browser
def test_one_tap_tries_a_digit_of_mnist(page):
    """Its bytes are sent as they are, so that the network sees exactly what MNIST has."""
    page.get_by_role("button", name="4, number 4", exact=True).click()

    expect_digit(page, 4)
    expect(page.locator("#truth")).to_have_text("Its label is 4.")
    expect(page.locator("#framing")).to_have_text("Taken as it is: already framed as MNIST’s are.")

    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#typical [aria-pressed=true]")).to_have_attribute("aria-label", "4, number 6")


@in_a_browser
def test_the_hardest_digits_are_hard(page):
    """Of the twenty the model reads most wrong; what they should have been is said beside its answer."""
    wrong = 0
    for button in page.locator("#hardest button").all():
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        label = button.get_attribute("aria-label").split(",")[0]
        expect(page.locator("#answer")).to_have_attribute("aria-busy", "false")
        expect(page.locator("#truth")).to_have_text(f"Its label is {label}.")
        wrong += page.locator("#digit").inner_text() != label

    assert wrong > 10


@in_a_browser
def test_a_six_turned_by_half_is_a_nine(page):
    """The sliders change what is sent, not the drawing; Reset brings it back."""
    draw(page, STROKES[6])
    expect_digit(page, 6)
    expect(page.locator("#sent")).to_be_hidden()
    page.get_by_label("Rotation").fill("180")
    expect_digit(page, 9)
    expect(page.locator("#sent")).to_be_visible()
    page.get_by_role("button", name="Reset").click()

    expect_digit(page, 6)
    expect(page.get_by_label("Rotation")).to_have_value("0")


@in_a_browser
@pytest.mark.parametrize(
    ("slider", "low", "high"),
    [
        ("noise", "5", "40"),
        ("scale", "60", "120"),
        ("across", "-60", "60"),
        ("down", "-30", "30"),
        ("stroke", "-6", "8"),
    ],
)
def test_every_slider_changes_what_is_sent(page, slider, low, high):
    """And the answer holds over its middle range."""
    draw(page, STROKES[0])
    expect_digit(page, 0)
    pictures = set()
    for value in (low, high):
        page.locator(f"#{slider}").fill(value)
        expect_digit(page, 0)
        pictures.add(page.evaluate("document.getElementById('sent').toDataURL()"))

    assert len(pictures) == 2


# The network at work


@in_a_browser
def test_every_layer_is_drawn(page):
    """Before the first stroke all is at rest; a digit stirs each layer."""

    def drawn():
        return page.evaluate(
            "[...document.querySelectorAll('.map canvas')].map((canvas) => canvas.toDataURL())",
        )

    assert [label.split()[0] for label in page.locator(".layer b").all_inner_texts()] == [
        *("Input", "C1", "S2", "C3", "S4", "C5", "F6", "Output")
    ]
    assert [words.split("\n")[0] for words in page.locator(".layer small").all_inner_texts()] == [
        *("28×28", "6 maps of 24×24", "6 maps of 12×12", "16 maps of 8×8", "16 maps of 4×4"),
        *("120 units", "84 units", "10 units"),
    ]
    before = drawn()
    draw(page, STROKES[5])
    expect_digit(page, 5)
    after = drawn()

    assert len(before) == len(after) == 1 + 6 + 6 + 16 + 16 + 1 + 1 + 1
    assert sum(one == other for one, other in zip(before, after, strict=True)) <= 2  # a map of C3 may see nothing


@in_a_browser
def test_pointing_at_a_unit_shows_what_it_sees(page):
    """Its window of the input and its kernel, marked and enlarged."""
    draw(page, STROKES[2])
    expect_digit(page, 2)
    page.locator(".C1 .map").nth(2).hover(position={"x": 30, "y": 30})

    expect(page.locator("#unit")).to_contain_text(re.compile(r"^C1, map 3, row \d+, column \d+: "))
    expect(page.locator("#patches figcaption")).to_have_text(["Input and its kernel"])
    expect(page.locator("#patches canvas")).to_have_count(2)
    expect(page.locator(".input .mark")).to_have_count(1)


@in_a_browser
def test_a_tap_shows_it_too(open_page):
    """Of C3: a kernel for each map of S2, in the model's own weights, and the 14×14 pixels that it sees."""
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.get_by_role("button", name="4, number 4", exact=True).tap()
    expect_digit(page, 4)
    page.locator(".C3 .map").nth(9).tap()

    expect(page.locator("#unit")).to_contain_text(re.compile(r"^C3, map 10, row \d+, column \d+: "))
    windows = [f"S2 {n} and its kernel" for n in range(1, 7)]
    expect(page.locator("#patches figcaption")).to_have_text([*windows, "Input, 14×14"])
    expect(page.locator(".input .mark")).to_have_count(1)
    shown = page.locator("#patches canvas")
    drawn = [shown.nth(2 * n + 1).evaluate("(canvas) => canvas.toDataURL()") for n in range(6)]
    expected = page.evaluate(
        """async () => {
            const { askForKernels, kernelBytes } = await import("/page/kernels.js");
            const { newCanvas, paint, signedPalette } = await import("/page/palette.js");
            const { C3 } = await askForKernels();
            return C3[9].map((_, seen) => {
                const canvas = newCanvas(5, 5);
                paint(canvas, kernelBytes(C3, 9, seen), signedPalette());
                return canvas.toDataURL();
            });
        }"""
    )
    assert drawn == expected
    assert len(set(drawn)) == 6


@in_a_browser
def test_arrow_keys_move_from_unit_to_unit(page):
    """C3 sees all maps of S2, S4 only its own map of C3."""
    draw(page, STROKES[2])
    expect_digit(page, 2)
    page.locator(".C3 .maps").focus()
    expect(page.locator("#unit")).to_contain_text("C3, map 1, row 5, column 5: ")
    windows = [f"S2 {n} and its kernel" for n in range(1, 7)]
    expect(page.locator("#patches figcaption")).to_have_text([*windows, "Input, 14×14"])
    expect(page.locator("#patches canvas")).to_have_count(6 * 2 + 1)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#unit")).to_contain_text("C3, map 1, row 4, column 6: ")

    page.locator(".S4 .maps").focus()
    expect(page.locator("#patches figcaption")).to_have_text(["C3 1, 2×2", "Input, 16×16"])


@in_a_browser
def test_receptive_fields_are_the_arithmetic_of_the_layers(page):
    """Of a 28×28 input, and of the network of 1998, whose 32×32 has two pixels more at each side."""
    seen = page.evaluate(
        """async () => {
            const { seenInInput } = await import("/page/fields.js");
            const shapes = {input: [1, 28, 28], C1: [6, 24, 24], S2: [6, 12, 12], C3: [16, 8, 8], S4: [16, 4, 4]};
            const old = {input: [1, 28, 28], C1: [6, 28, 28], S2: [6, 14, 14], C3: [16, 10, 10], S4: [16, 5, 5]};
            return [
                seenInInput("C1", [3, 4, 1, 1], shapes), seenInInput("S2", [3, 4, 1, 1], shapes),
                seenInInput("C3", [3, 4, 1, 1], shapes), seenInInput("S4", [3, 3, 1, 1], shapes),
                seenInInput("C1", [0, 5, 1, 1], old), seenInInput("S4", [0, 0, 1, 1], old),
            ];
        }"""
    )

    assert seen == [[3, 4, 5, 5], [6, 8, 6, 6], [6, 8, 14, 14], [12, 12, 16, 16], [0, 3, 3, 5], [0, 0, 14, 14]]


@in_a_browser
def test_the_kernels_are_the_models(page):
    """All 6 of C1 and all 96 of C3, row by row, as the file has them."""
    kernels = page.evaluate('import("/page/kernels.js").then(({ askForKernels }) => askForKernels())')
    weights = [numpy_helper.to_array(tensor) for tensor in onnx.load(ARTIFACTS / LAYERS_FILE).graph.initializer]
    of_shape = {array.shape: array.reshape(*array.shape[:2], 25) for array in weights if array.ndim == 4}

    assert np.array_equal(np.float32(kernels["C1"]), of_shape[6, 1, 5, 5])
    assert np.array_equal(np.float32(kernels["C3"]), of_shape[16, 6, 5, 5])


@in_a_browser
def test_without_a_layers_file_the_page_does_without(open_page, tiny_model):
    """A model may be served alone."""
    with running_server(model_path=tiny_model) as alone:
        page = open_page(alone.url, expected="status of 422")
        draw(page, STROKES[1])
        expect(page.locator("#saw")).to_be_visible()
        expect(page.locator("#network")).to_be_hidden()
        expect(page.locator("#answer")).to_have_attribute("aria-busy", "false")  # before the server is gone


@in_a_browser
def test_the_articles_point_is_played(page):
    """The bare network holds for a few pixels, and framing for all of them."""
    expect(page.locator("#play")).to_be_disabled()
    draw(page, STROKES[7])
    expect_digit(page, 7)
    page.locator("#play").click()

    expect(page.locator("#held")).to_contain_text("Framed first, it says 7 at 21 of 21 places.")
    left, right = re.search(r"from (\S+) to (\S+) pixels", page.locator("#held").inner_text()).groups()
    assert -10 < int(left.replace("−", "-")) <= -2
    assert 2 <= int(right) < 10
    expect(page.locator("#steps .cell.shown")).to_have_count(42)


# Around it


@in_a_browser
@pytest.mark.parametrize("noise", ["0", "30"])
def test_the_curl_line_gives_the_same_answer(page, noise):
    """It holds all it needs, however large a noisy picture is."""
    draw(page, STROKES[8])
    page.locator("#noise").fill(noise)
    expect_digit(page, 8)
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.locator("#copied")).to_contain_text(re.compile("Copied|Selected"))
    command = page.locator("#command").input_value()
    done = subprocess.run(["bash"], input=command, capture_output=True, text=True, timeout=30)

    assert json.loads(done.stdout)["digit"] == 8


@in_a_browser
def test_the_curl_line_names_a_large_file(page):
    """Which whoever uploaded it has."""
    page.locator("#file").set_input_files(ROOT / "docs" / "prediction.png")
    expect(page.locator("#saw")).to_be_visible()
    page.get_by_role("button", name="Copy as curl").click()

    expect(page.locator("#command")).to_have_value(re.compile("--data-binary @'prediction.png' "))


@in_a_browser
@pytest.mark.parametrize("width", [360, 390, 768, 1024, 1440])
def test_nothing_is_wider_than_the_screen(open_page, width):
    """From a phone to a desktop."""
    page = open_page(viewport={"width": width, "height": 800})
    draw(page, STROKES[3])
    expect_digit(page, 3)
    page.locator("#play").click()
    expect(page.locator("#held")).not_to_be_empty()

    assert page.evaluate("document.documentElement.scrollWidth") <= width


@in_a_browser
def test_a_finger_draws(open_page):
    """On a phone the sheet keeps the touch, instead of scrolling, and the answer is right below it."""
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    box = page.locator("#pad").bounding_box()
    fingers = page.context.new_cdp_session(page)

    def touch(kind, *points):
        places = [{"x": box["x"] + x / 100 * box["width"], "y": box["y"] + y / 100 * box["height"]} for x, y in points]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    for stroke in STROKES[2]:
        touch("touchStart", stroke[0])
        for (x, y), (to_x, to_y) in pairwise(stroke):
            touch("touchMove", ((x + to_x) / 2, (y + to_y) / 2))
            touch("touchMove", (to_x, to_y))
        touch("touchEnd")

    expect_digit(page, 2)
    assert page.evaluate("scrollY") == 0
    expect(page.locator("#digit")).to_be_in_viewport()


@in_a_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_rule_of_accessibility_is_broken(open_page, scheme):
    """By axe-core, with every part of the page showing something."""
    page = open_page(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    draw(page, STROKES[9])
    expect_digit(page, 9)
    page.get_by_label("Noise").fill("10")
    page.locator(".C3 .maps").focus()
    page.locator("#play").click()
    expect(page.locator("#held")).not_to_be_empty()
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.locator("#command")).to_be_visible()
    results = Axe().run(page)

    assert results.violations_count == 0, results.generate_report()


@in_a_browser
def test_dark_mode_is_dark(open_page):
    """And what was drawn before the mode changed is drawn again in its colours."""
    page = open_page(color_scheme="light")

    map_now = "document.querySelector('.C1 canvas').toDataURL()"
    light = page.evaluate(map_now)
    page.emulate_media(color_scheme="dark")

    # The page hears of it before the next frame.
    page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    assert page.evaluate(map_now) != light
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(map(int, re.findall(r"\d+", ground)[:3])) < 120


@in_a_browser
def test_the_key_is_asked_for_and_kept_in_memory_only(open_page):
    """A wrong one is asked for again; what the browser stores holds none."""
    with running_server(api_key="open sésame") as locked:
        page = open_page(locked.url, expected="status of 401")
        dialog = page.locator("#key-dialog")
        expect(dialog).to_be_visible()
        page.get_by_label("API key").fill("open barley")
        page.keyboard.press("Enter")
        expect(page.locator("#key-note")).to_have_text("The service did not take that key.")
        page.get_by_label("API key").fill("open sésame")
        page.get_by_role("button", name="Use it").click()
        expect(dialog).to_be_hidden()
        expect(page.locator("#model")).to_contain_text("lenet5")
        draw(page, STROKES[7])
        expect_digit(page, 7)

        assert page.evaluate("localStorage.length + sessionStorage.length") == 0
        assert not page.context.cookies()
        page.get_by_role("button", name="Copy as curl").click()
        expect(page.locator("#command")).to_have_value(re.compile(r"Bearer \$LENET_API_KEY"))


@in_a_browser
def test_without_a_key_the_page_says_what_is_missing(open_page):
    """Once declined it is not asked for with every stroke; there is a button for who has found it."""
    with running_server(api_key="open sesame") as locked:
        page = open_page(locked.url, expected="status of 401")
        page.get_by_role("button", name="Not now").click()
        draw(page, STROKES[1])
        expect(page.locator("#words")).to_have_text("This service asks for a key.")
        expect(page.locator("#key-dialog")).to_be_hidden()
        page.get_by_role("button", name="Enter the key").click()
        page.get_by_label("API key").fill("open sesame")
        page.keyboard.press("Enter")

        expect_digit(page, 1)
        expect(page.locator("#enter-key")).to_be_hidden()


@in_a_browser
def test_a_service_that_is_gone_is_said_in_words(open_page):
    """And asked again with the next stroke."""
    with running_server() as mortal:
        page = open_page(mortal.url, expected="ERR_")
        draw(page, STROKES[1])
        expect_digit(page, 1)
        with suppress(ProcessLookupError):
            mortal.stop()
        draw(page, [[(20, 20), (80, 80)]])

        expect(page.locator("#words")).to_have_text("The service does not answer. Is it running?")
