"""The studio's page in a real browser before a real server: everything a person does there, at 128 pixels."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import bad_findings, needs_browser, open_browser, overflow
from PIL import Image

pytest.importorskip("fastapi", reason="the studio needs the extra studio")
PAINT_MS = 300_000

pytestmark = needs_browser


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A photograph and a painting, drawn by code."""
    folder = tmp_path_factory.mktemp("pictures")
    rows, columns = np.mgrid[0:96, 0:144]
    sky = np.stack([rows * 2, 90 + rows, 255 - rows], -1).clip(0, 255)
    photo = np.where(((rows - 70) ** 2 + (columns - 70) ** 2 < 900)[..., None], [200, 60, 40], sky)
    strokes = 127 + 120 * np.sin(np.stack([rows / 3 + columns / 5, rows / 4, columns / 3 - rows / 6], -1))
    paths = []
    for name, values in (("harbor.png", photo), ("waves.png", strokes)):
        Image.fromarray(values.astype(np.uint8)).save(folder / name)
        paths.append(str(folder / name))
    return paths[0], paths[1]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a running studio."""
    command = [sys.executable, "-m", "impasto", "studio", "--no-open", "--port", "0", "--threads", "1", "--json"]
    command += ["--folder", str(tmp_path_factory.mktemp("studio") / "folder")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield json.loads(server.stdout.readline())["address"]
        finally:
            server.terminate()
            server.wait(20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as chromium:
        yield chromium


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Open the page in a fresh profile. At the end of the test nothing may stand in the console.

    The browser itself writes a line there for each answer of 400 or more: refused: the test causes some.
    """
    contexts, said = [], []

    def open_page(
        width: int = 1280, height: int = 800, locale: str = "en-US", scheme: str = "dark", refused: bool = False
    ) -> Any:
        def note(line: Any) -> None:
            is_refusal = line.text.startswith("Failed to load resource: the server responded with a status of 4")
            if line.type in ("error", "warning") and not (refused and is_refusal):
                said.append(f"{line.text} {line.location}")

        viewport = {"width": width, "height": height}
        context = browser.new_context(viewport=viewport, locale=locale, color_scheme=scheme, base_url=address)
        contexts.append(context)
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto("/")
        page.wait_for_selector(".welcome")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []


def upload(page: Any, pictures: tuple[str, str]) -> None:
    """Choose the photograph and the painting, and wait for the panel."""
    page.locator(".place-content input[type=file]").set_input_files(pictures[0])
    page.locator(".place-content .place.filled").wait_for()
    page.locator(".place-style input[type=file]").set_input_files(pictures[1])
    page.locator(".panel").wait_for()


def choose_small(page: Any, *, steps: int) -> None:
    """Choose a picture of 128 pixels, quickly painted."""
    page.locator("#size").select_option("other")
    page.get_by_label("Long edge in pixels").fill("128")
    page.locator(".more > summary").click()
    page.locator("#field-statistic").select_option("gram")
    page.locator("#field-steps").fill(str(steps))
    page.locator("#field-steps").press("Tab")
    page.locator(".more > summary").click()


def tab_to(page: Any, selector: str) -> None:
    """Go on by the tab key alone."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"{selector} is not reached by the tab key")


def wait_for_state(page: Any, state: str) -> None:
    page.locator(f'.job-bar[data-state="{state}"]').wait_for(timeout=PAINT_MS)


def test_a_picture_is_painted_while_one_watches(visit: Callable[..., Any], pictures: tuple[str, str]) -> None:
    page = visit()
    upload(page, pictures)
    if page.request.get("/api/status").json()["instant"]:
        page.locator('.after[src^="blob:"]').wait_for()
        before = page.locator(".after").get_attribute("src")
        page.locator("#first-strength").press("End")
        page.wait_for_function("old => document.querySelector('.after').src !== old", arg=before)
        page.keyboard.press("Control+z")
        assert page.locator("#first-strength").input_value() == "0.5"
    choose_small(page, steps=24)
    page.locator(".cost", has_text=re.compile(r"\d")).wait_for()
    page.get_by_role("button", name="Paint it").click()
    wait_for_state(page, "painting")
    seen = page.evaluate(
        """() => new Promise((resolve) => {
            const seen = new Set();
            new MutationObserver(() => {
                seen.add(document.querySelector(".after").getAttribute("src"));
                const previews = [...seen].filter((one) => one?.includes("preview"));
                if (previews.length >= 5 || document.querySelector('[data-state="done"]')) resolve(previews);
            }).observe(document.body, { subtree: true, attributes: true });
        })"""
    )
    assert len(seen) >= 5
    page.get_by_role("button", name="Pause").click()
    wait_for_state(page, "paused")
    page.reload()
    wait_for_state(page, "paused")
    page.get_by_role("button", name="Go on").click()
    wait_for_state(page, "done")
    assert page.locator(".curve .line").count() >= 2
    page.locator('.after[src*="/result"]').wait_for()
    assert page.locator(".after").evaluate("picture => picture.naturalWidth") == 128
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    with Image.open(download.value.path()) as painted:
        assert (painted.size, "impasto" in str(painted.info)) == ((128, 85), True)

    page.get_by_role("button", name="Compare").click()
    divider = page.get_by_role("slider", name="Divider")
    assert divider.get_attribute("aria-valuenow") == "50"
    divider.press("ArrowRight")
    assert divider.get_attribute("aria-valuenow") == "55"
    box = page.locator(".view .sheet").bounding_box()
    divider.hover()
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 20, steps=3)
    page.mouse.up()
    assert divider.get_attribute("aria-valuenow") == "25"

    # its picture, dropped here, brings the recipe back
    page.get_by_role("button", name="Remove waves").click()
    page.locator(".welcome").wait_for()
    page.evaluate("localStorage.removeItem('impasto.draft')")
    page.reload()
    page.locator(".place-style input[type=file]").set_input_files(download.value.path())
    page.get_by_text("its settings are back").wait_for()
    page.locator(".place-style input[type=file]").set_input_files(pictures[1])
    page.locator(".place-content input[type=file]").set_input_files(pictures[0])
    page.locator("#size-pixels", has_text="128 × 85").wait_for()


def test_a_part_is_painted_by_brush_and_a_job_is_stopped(visit: Callable[..., Any], pictures: tuple[str, str]) -> None:
    page = visit(refused=True)
    upload(page, pictures)
    page.get_by_role("button", name="Crop").click()
    page.locator(".segment", has_text="16:9").click()
    page.get_by_role("button", name="Use this part").click()
    page.get_by_role("button", name="Paint a part").click()
    canvas = page.locator(".mask-canvas")
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 40, box["y"] + 60, steps=6)
    page.mouse.up()
    covered = """canvas => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
        .filter((one, place) => place % 4 === 3 && one > 8).length"""
    stroke = canvas.evaluate(covered)
    assert stroke > 0
    page.keyboard.press("Control+z")
    assert canvas.evaluate(covered) == 0
    page.keyboard.press("Control+Shift+z")
    assert canvas.evaluate(covered) == stroke
    page.get_by_role("button", name="Similar colors").click()
    page.mouse.click(box["x"] + 5, box["y"] + 5)
    joined = canvas.evaluate(covered)
    page.keyboard.press("Control+z")
    page.get_by_label("Everywhere in the picture").check()
    page.mouse.click(box["x"] + 5, box["y"] + 5)
    assert canvas.evaluate(covered) >= joined > stroke
    page.get_by_role("button", name="Undo").last.click()
    assert canvas.evaluate(covered) == stroke
    assert bad_findings(page) == []
    page.get_by_role("button", name="Use this mask").click()
    page.get_by_role("button", name="A part is painted").wait_for()
    choose_small(page, steps=400)
    page.get_by_role("button", name="Paint it").click()
    wait_for_state(page, "painting")
    page.locator('.after[src*="preview"]').wait_for(state="attached", timeout=PAINT_MS)
    page.get_by_role("button", name="Stop and keep").click()
    wait_for_state(page, "stopped")
    job = page.request.get("/api/jobs/" + page.url.rsplit("/", 1)[1]).json()
    assert job["only"] is not None
    assert (job["width"], job["height"], job["content"]["crop"]["box"]) == (128, 72, [0, 8, 144, 81])
    page.get_by_role("button", name="Paint it").click()
    page.locator('.job-bar[data-state="painting"], .job-bar[data-state="waiting"]').wait_for()
    page.locator(".job-bar").get_by_role("button", name="Delete").click()
    page.locator("dialog").get_by_role("button", name="Delete").click()
    page.locator(".job-bar").wait_for(state="hidden")
    page.get_by_role("button", name="Gallery").click()
    page.locator(".cards .card").first.click()
    page.get_by_role("button", name="Rename").click()
    page.locator(".job-words input").fill("My harbor")
    page.locator(".job-words input").press("Enter")
    page.locator(".job-name", has_text="My harbor").wait_for()
    page.get_by_role("button", name="Gallery").click()
    page.locator(".gallery input[type=search]").first.fill("my harbor")
    page.locator(".card-name", has_text="My harbor").wait_for()
    page.locator(".gallery input[type=search]").first.fill("no such picture")
    page.locator(".gallery .empty", has_text="Nothing found for “no such picture”").wait_for()
    assert page.get_by_role("button", name="Delete all").is_hidden()  # it would delete what is not found, too
    page.get_by_role("button", name="Show all").click()
    page.get_by_role("button", name="Delete all").wait_for()
    for box in page.locator(".card-choose").all()[:2]:
        box.check()
    page.get_by_role("button", name="Side by side").click()
    page.locator(".sheet-cards .card").nth(1).wait_for()
    assert bad_findings(page) == []
    page.locator(".sheet-cards .card").first.get_by_role("button", name="Keep this one, delete the other").click()
    before = page.request.get("/api/jobs").json()["total"]
    page.locator("dialog").get_by_role("button", name="Delete").click()
    page.wait_for_url("**/#/job/*")
    assert page.request.get("/api/jobs").json()["total"] == before - 1
    page.get_by_role("button", name="Gallery").click()
    page.locator(".cards .card").first.wait_for()
    assert page.locator(".card-choose:checked").count() == 0
    assert bad_findings(page) == []


def test_a_wallpaper_has_exactly_the_pixels_of_a_screen(visit: Callable[..., Any], pictures: tuple[str, str]) -> None:
    page = visit()
    upload(page, pictures)
    page.locator("#size").select_option("1920")
    page.locator("#size-warning", has_text="only 144 × 96 px").wait_for()
    page.locator(".controls .link", has_text="Crop to 16:9 for the exact screen").click()
    frame = page.locator(".crop-frame")
    top = frame.evaluate("frame => frame.offsetTop")
    frame.press("ArrowDown")
    assert frame.evaluate("frame => frame.offsetTop") > top
    box = page.locator(".crop-sheet").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"], steps=3)
    page.mouse.up()
    assert frame.evaluate("frame => frame.offsetTop") == 0
    assert bad_findings(page) == []
    page.get_by_role("button", name="Use this part").click()
    page.locator("#size-pixels", has_text="1920 × 1080 px").wait_for()
    assert "Wallpaper, 1920 × 1080 px" in page.locator("#size").inner_text()
    page.get_by_role("button", name="Crop:").wait_for()
    page.get_by_role("button", name="Part", exact=True).click()
    page.locator(".mask-canvas").press("Space")
    page.get_by_role("button", name="Use this mask").click()
    page.get_by_role("button", name="A part of the painting is used").wait_for()
    masks = page.evaluate("async () => (await import('/static/js/draft.js')).jobBody().style_masks")
    assert len(masks) == 1 and re.fullmatch("[0-9a-f]{32}", masks[0])
    page.locator(".more > summary").click()
    page.locator(".more input[type=search]").fill("coarsest")
    assert page.locator(".field:visible label").all_inner_texts() == ["Coarsest scale"]
    page.locator(".more input[type=search]").fill("nonsense")
    page.locator(".more-body", has_text="Nothing found for “nonsense”").wait_for()
    # sides that are no small ratio become exactly these pixels too
    for width, height in ((1366, 768), (1080, 2400), (1170, 2532)):
        script = "async (shape) => (await import('/static/js/crop.js')).fitShape(shape, 1000, 667)"
        sides = page.evaluate(script, [width, height])
        assert round(min(sides) * max(width, height) / max(sides)) == min(width, height)


def test_a_film_is_scrubbed_painted_and_watched(
    visit: Callable[..., Any], pictures: tuple[str, str], tmp_path: Path
) -> None:
    pytest.importorskip("av", reason="films need the extra video")
    from films import write_film

    page = visit()
    upload(page, (str(write_film(tmp_path / "colors.mp4", count=12, sounds=["aac"])), pictures[1]))
    page.locator(".film-part", has_text="0.5 s, 12 frames, 24 a second, with sound").wait_for()
    before = page.locator(".before").get_attribute("src")
    page.locator("#film-time").press("End")
    page.wait_for_function("old => document.querySelector('.before').src.endsWith(old) === false", arg=before)
    if not page.request.get("/api/status").json()["instant"]:
        return
    page.locator("#size").select_option("other")
    page.get_by_label("Long edge in pixels").fill("64")
    page.locator("#film-length").fill("0.1")
    page.get_by_role("link", name="Download this preview").wait_for(timeout=PAINT_MS)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download this preview").click()
    assert download.value.suggested_filename == "colors-preview.jpg"
    page.get_by_role("button", name="Paint a part").click()
    page.locator(".mask-editor", has_text="The mask stays in its place while the film moves.").wait_for()
    assert bad_findings(page) == []
    page.locator(".mask-canvas").press("Space")
    page.get_by_role("button", name="Use this mask").click()
    page.get_by_role("button", name="A part is painted").wait_for()
    page.get_by_role("button", name="Add").click()
    page.locator("dialog input[type=file]").set_input_files(pictures[0])
    page.get_by_label("From the first painting to the last").wait_for()
    page.locator("#film-time").focus()
    tab_to(page, "#film")
    tab_to(page, ".film-part input[type=checkbox]")
    page.keyboard.press("Space")
    for field in ("#film-start", "#film-length", "#first-strength", "#size", ".paint"):
        tab_to(page, field)
    assert bad_findings(page) == []
    asked = page.evaluate("async () => (await import('/static/js/draft.js')).jobBody()")
    assert asked["film"]["morph"] and "style_blend" not in asked["recipe"] and asked["only"] and not asked["protect"]
    page.get_by_role("button", name="Paint it").click()
    wait_for_state(page, "done")
    assert bad_findings(page) == []
    page.wait_for_function("document.querySelector('video.film').readyState > 1")
    film = page.evaluate("(({ videoWidth, duration }) => [videoWidth, duration])(document.querySelector('video.film'))")
    assert film[0] == 64 and abs(film[1] - 0.1) < 0.05
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename.endswith(".mp4")
    page.reload()
    page.locator("video.film").wait_for()
    page.get_by_role("button", name="Change, paint again").click()
    page.locator("#film").select_option("optimize")
    page.get_by_role("button", name="Protect", exact=True).wait_for()
    if page.request.get("/api/status").json()["faces"]:  # this film has none, and is painted all the same
        page.get_by_role("button", name="Protect faces").press("Space")
        page.locator('.chip:focus[aria-pressed="true"]', has_text="Protect faces").wait_for()
        assert page.evaluate("async () => (await import('/static/js/draft.js')).jobBody().protect") == "faces"
    page.locator(".more > summary").click()
    for name, value in (("steps", "3"), ("frame_steps", "3")):
        page.locator(f"#field-{name}").fill(value)
        page.locator(f"#field-{name}").press("Tab")
    assert page.locator("#field-dpi").is_hidden()
    assert bad_findings(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert (overflow(page), bad_findings(page)) == (0, [])
    page.locator("#film-length").fill("0.4")
    page.get_by_role("button", name="Paint it").click()
    page.locator(".job-bar", has_text=re.compile("Frame ([2-9]|10) of 10")).wait_for(timeout=PAINT_MS)
    page.locator('.after[src*="preview"]').wait_for(state="attached")
    assert (overflow(page), bad_findings(page)) == (0, [])
    page.get_by_role("button", name="Stop and keep").click()
    wait_for_state(page, "stopped")
    page.locator("video.film").wait_for()
    assert (overflow(page), bad_findings(page)) == (0, [])


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_phone_shows_all_of_it(visit: Callable[..., Any], pictures: tuple[str, str], scheme: str) -> None:
    page = visit(390, 844, scheme=scheme, locale={"dark": "en-US", "light": "zh-CN"}[scheme])
    assert (overflow(page), bad_findings(page)) == (0, [])
    upload(page, pictures)
    page.locator(".more > summary").click()
    assert (overflow(page), bad_findings(page)) == (0, [])


def test_a_whole_job_by_keyboard(visit: Callable[..., Any], pictures: tuple[str, str]) -> None:
    page = visit()

    files = iter(pictures)
    page.on("filechooser", lambda chooser: chooser.set_files(next(files)))
    for role in ("content", "style"):
        tab_to(page, f".place-{role} .place")
        page.keyboard.press("Enter")
        page.locator(f".place-{role} .place.filled").wait_for(state="attached")
    page.locator(".panel").wait_for()
    tab_to(page, "#first-strength")
    page.keyboard.press("ArrowRight")
    tab_to(page, "[name=preset]")
    page.keyboard.press("ArrowLeft")
    tab_to(page, "#size")
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    if not page.evaluate("document.activeElement.matches('.size-other input')"):
        page.keyboard.press("Shift+Tab")
    page.keyboard.type("64")
    tab_to(page, ".paint")
    page.keyboard.press("Enter")
    wait_for_state(page, "done")
    tab_to(page, ".job-bar a")
    assert page.evaluate("document.activeElement.textContent") == "Download"


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_settings_are_in_plain_words(visit: Callable[..., Any], pictures: tuple[str, str], locale: str) -> None:
    page = visit(locale=locale)
    upload(page, pictures)
    page.locator(".more > summary").click()
    first = page.locator(".field[data-name]:visible").evaluate_all("all => all.map((one) => one.dataset.name)")
    assert first[:3] == ["color", "recolor", "statistic"] and "style_layers" not in first
    page.locator(".method summary").click()
    plain = re.compile(r"[\u4e00-\u9fff]" if locale == "zh-CN" else r"^(?!.*(_|:\d))[A-Z0-9]|^automatic$")
    for place in ("option", "label"):
        texts = [text.strip() for text in page.locator(f".more {place}").all_inner_texts()]
        assert [text for text in texts if not plain.search(text)] == []
    assert page.locator(".more code").count() == 0
    written = page.locator(".more input[type=text]:visible").evaluate_all("all => all.map((one) => one.value)")
    assert written and set(written) == {""}
    assert page.locator(".field[data-name=first_scale] label").get_attribute("title") == "first_scale"
    statistic = page.locator(".field[data-name=statistic]")
    statistic.locator("select").select_option("…")
    statistic.locator("input").fill("gram:0.5, nearest")
    statistic.locator("input").press("Tab")
    body = "async () => (await import('/static/js/draft.js')).jobBody().recipe"
    assert page.evaluate(body) == {"statistic": ["gram:0.5", "nearest"]}
    statistic.locator("button").click()
    assert statistic.locator("input").is_hidden() and page.evaluate(body) == {}
    assert bad_findings(page) == []
    page.locator(".paint-foot .button").last.click()
    page.locator("#vary-field").select_option("statistic")
    assert page.locator("dialog .check").count() == 8
    assert all(plain.search(text.strip()) for text in page.locator("dialog .check").all_inner_texts())
    page.locator("dialog .check input:checked").evaluate_all("boxes => boxes.forEach((box) => box.click())")
    page.locator("dialog .primary").click()
    page.locator("dialog .field-error", has_text="12").wait_for()
    assert bad_findings(page) == []


def test_the_time_left_counts_down_between_steps(visit: Callable[..., Any]) -> None:
    page = visit()
    page.clock.install()
    said = page.evaluate(
        """async () => {
            const { keep, jobs, countDown } = await import("/static/js/jobs.js");
            const { describe } = await import("/static/js/job_bar.js");
            countDown();
            keep({ id: "a", state: "painting", step: 3, steps: 9, seconds_left: 80 });
            window.said = [];
            jobs.watch((all) => window.said.push(describe(all.get("a"))));
            return window.said;
        }"""
    )
    assert said == ["80 s left"]
    page.clock.run_for(30_000)
    assert page.evaluate("window.said.at(-1)") == "50 s left"
    page.clock.run_for(60_000)  # the step takes longer than expected
    assert page.evaluate("window.said.at(-1)") == "Step 3 of 9"


def test_errors_stand_beside_their_field(visit: Callable[..., Any], pictures: tuple[str, str], tmp_path: Path) -> None:
    page = visit(refused=True)
    (tmp_path / "notes.png").write_bytes(b"no picture")
    page.locator(".place-content input[type=file]").set_input_files(str(tmp_path / "notes.png"))
    page.locator(".place-content .field-error", has_text="notes.png").wait_for()


def test_every_text_is_there_in_both_languages(visit: Callable[..., Any]) -> None:
    page = visit()
    keys, fields = page.evaluate(
        """async () => {
            const flat = (texts, path = "") => Object.entries(texts).flatMap(([name, text]) =>
                typeof text === "object" && !Array.isArray(text) ? flat(text, `${path}${name}.`) : [path + name]);
            const words = await Promise.all(["en", "zh"].map((name) => import(`/static/words/${name}.js`)));
            return [words.map((one) => flat(one.default)), words.map((one) => Object.keys(one.default.fields))];
        }"""
    )
    # English help of presets and fields, and English messages, come from the server
    servers = re.compile(r"^(fields|messages|range|loss|networks)\.|^preset\..*_help$")
    english, chinese = ({key for key in each if not servers.match(key)} for each in keys)
    assert english == chinese
    shown = {field["name"] for field in page.request.get("/api/recipe").json()["fields"]}
    for each in fields:
        assert shown - set(each) <= {"strength", "size", "style_scale", "style_blend"}
