"""The HTTP API: its answers and errors, without painters."""

from collections.abc import Callable
from typing import Any

import pytest

from impasto.errors import DiskError, OutOfMemoryError, RecipeError
from impasto.recipe.recipe import Recipe, field_names
from impasto.studio import uploads
from impasto.studio.disk import Disk
from impasto.studio.fields import GROUPS
from impasto.studio.studio import Studio


@pytest.fixture
def studio(client: Any) -> Studio:
    return client.app_state["studio"]  # type: ignore[no-any-return]


@pytest.fixture
def job(client: Any, studio: Studio, put_picture: Callable[..., str]) -> dict[str, Any]:
    """A waiting job."""
    names = [put_picture(studio, number) for number in (1, 2)]
    body = {"content": names[0], "styles": names[1:], "recipe": {"size": 64, "strength": 0.7}}
    answer = client.post("/api/jobs", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_job_is_shown_with_its_recipe_and_pictures(job: dict[str, Any]) -> None:
    assert (job["kind"], job["state"], job["preset"], job["position"]) == ("stylize", "waiting", "standard", 0)
    assert job["name"] == "photo 1 + photo 2" and job["changed"] == {"size": 64, "strength": 0.7}
    assert job["recipe"] == Recipe(size=64, strength=0.7).to_dict()
    assert job["content"]["thumbnail"] == f"/api/pictures/{1:032x}/thumbnail" and len(job["styles"]) == 1
    assert job["has"] == {"preview": False, "result": False, "evolution": False, "film": False}


def test_a_picture_deleted_while_its_thumbnail_is_asked_for_is_missing(
    client: Any, studio: Studio, put_picture: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"/api/pictures/{put_picture(studio)}/thumbnail"
    assert client.get(address).content[:2] == b"\xff\xd8"
    monkeypatch.setattr(uploads.Pictures, "_file", lambda *_: studio.folder / "deleted since")
    assert client.get(address).status_code == 404


def test_a_job_goes_through_its_states(client: Any, job: dict[str, Any]) -> None:
    place = f"/api/jobs/{job['id']}"
    assert client.post(f"{place}/pause").json()["state"] == "paused"
    assert client.post(f"{place}/pause").status_code == 409
    assert client.post(f"{place}/resume").json()["state"] == "waiting"
    assert client.put(place, json={"name": "new"}).json()["name"] == "new"
    assert client.post(f"{place}/stop").json()["state"] == "stopped"
    assert client.get(place).json()["finished"] is not None
    assert client.delete(place).status_code == 204 and client.get(place).status_code == 404


def test_a_job_is_painted_again_with_changes(client: Any, job: dict[str, Any]) -> None:
    place = f"/api/jobs/{job['id']}/again"
    same = client.post(place, json={}).json()
    assert same["recipe"] == job["recipe"] and same["id"] != job["id"] and same["position"] == 1
    changed = client.post(place, json={"recipe": {"strength": 0.2, "size": None}, "preset": "draft"}).json()
    assert changed["recipe"] == Recipe.preset("draft", strength=0.2).to_dict()
    assert client.post(place, json={"nonsense": 1}).status_code == 422


def test_a_sweep_is_a_group_of_jobs(client: Any, job: dict[str, Any]) -> None:
    body = {"content": job["content"]["id"], "styles": [job["styles"][0]["id"]]}
    body |= {"field": "strength", "values": [0.1, 1]}
    sweep = client.post("/api/jobs/sweep", json=body).json()
    assert [each["changed"] for each in sweep["jobs"]] == [{"strength": 0.1}, {"strength": 1}]
    found = client.get("/api/jobs", params={"group": sweep["group"]}).json()
    assert found["total"] == 2 and {each["group"] for each in found["jobs"]} == {sweep["group"]}
    wrong = client.post("/api/jobs/sweep", json={**body, "values": [0.1, 7]})
    assert wrong.status_code == 422 and wrong.json()["field"] == "strength"
    assert client.get("/api/jobs").json()["total"] == 3  # none of the wrong sweep


def test_the_queue_is_reordered_and_jobs_deleted(client: Any, job: dict[str, Any]) -> None:
    second = client.post(f"/api/jobs/{job['id']}/again", json={}).json()
    assert client.put("/api/queue", json={"order": [second["id"]]}).json() == {"order": [second["id"], job["id"]]}
    assert client.request("DELETE", "/api/jobs", json={"ids": ["0" * 32]}).status_code == 404
    assert client.request("DELETE", "/api/jobs", json={"all": True}).json() == {"deleted": 2}
    assert client.get("/api/jobs").json() == {"jobs": [], "total": 0}


def test_files_of_a_job(client: Any, job: dict[str, Any], studio: Studio) -> None:
    place, folder = f"/api/jobs/{job['id']}", studio.folder / "jobs" / job["id"]
    for name in ("preview", "thumbnail", "result", "evolution"):
        answer = client.get(f"{place}/{name}")
        assert answer.status_code == 404 and answer.json()["key"] == "job-file-missing"
    assert client.get(f"{place}/curve").json() == {"steps": [], "scales": [], "total": [], "by_name": {}}
    (folder / "preview.jpg").write_bytes(b"preview")
    (folder / "evolution.webp").symlink_to(folder / "preview.jpg")
    (folder / "run").mkdir()
    (folder / "run" / "trace.jsonl").write_text('{"step": 1, "scale": 64, "losses": {"total": 2.0, "style": 1.5}}\n')
    answer = client.get(f"{place}/preview")
    assert (answer.content, answer.headers["content-type"]) == (b"preview", "image/jpeg")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == "inline; filename*=utf-8''photo%201%20%2B%20photo%202.jpg"
    assert client.get(f"{place}/thumbnail").content == b"preview"
    assert client.get(f"{place}/evolution").status_code == 404
    curve = client.get(f"{place}/curve").json()
    assert curve == {"steps": [1], "scales": [64], "total": [2.0], "by_name": {"style": [1.5]}}
    recipe = client.get(f"{place}/recipe")
    assert recipe.headers["content-disposition"].endswith("photo%201%20%2B%20photo%202.toml")
    assert Recipe.from_toml(recipe.text) == Recipe(size=64, strength=0.7)


def test_the_fields_are_the_recipes_own(client: Any) -> None:
    described = client.get("/api/recipe").json()
    fields = {field["name"]: field for field in described["fields"]}
    assert set(fields) <= set(field_names()) and not {"weights", "frames"} & set(fields)
    assert list(fields)[:4] == ["strength", "size", "color", "style_scale"]
    assert len(fields) == sum(map(len, GROUPS.values()))
    assert (fields["strength"]["least"], fields["strength"]["most"], fields["strength"]["optional"]) == (0, 1, True)
    assert fields["color"]["choices"] == ["content-luma", "style", "match", "histogram", "oklab"]
    presets = {preset["name"]: preset for preset in described["presets"]}
    assert presets["draft"]["values"] == Recipe.preset("draft").to_dict()
    assert presets["draft"]["help"].startswith("A first look")


def test_instant_and_estimate_ask_the_quick_process(
    client: Any, studio: Studio, job: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []
    found = {"seconds": 3.0, "peak_bytes": 10**9, "parts": [], "size": {"width": 64, "height": 51}}

    def ask(question: str, **arguments: Any) -> Any:
        asked.append((question, arguments))
        return b"jpeg" if question == "instant" else found

    monkeypatch.setattr(client.app_state["quick"], "ask", ask)
    pictures = {"content": job["content"]["id"], "styles": [job["styles"][0]["id"]]}
    answer = client.post("/api/instant", json={**pictures, "strength": 0.5, "color": "style"})
    assert (answer.content, answer.headers["content-type"]) == (b"jpeg", "image/jpeg")
    assert asked[0][1]["fields"] == {"strength": 0.5, "color": "style"}
    assert asked[0][1]["content"].startswith(str(studio.folder))
    answer = client.post("/api/estimate", json={**pictures, "recipe": {"size": 64}}).json()
    assert answer["fits"] is True and (answer["width"], answer["height"]) == (64, 51)
    assert asked[1][1]["order"]["recipe"]["size"] == 64


def test_a_part_outside_the_picture_is_refused(client: Any, put_picture: Callable[..., str], studio: Studio) -> None:
    photo = put_picture(studio, 1)
    answer = client.post(f"/api/pictures/{photo}/crop", json={"left": 30, "top": 0, "width": 16, "height": 9})
    assert (answer.status_code, answer.json()["field"]) == (422, "box")
    assert answer.json()["error"] == "the part is 16x9 pixels at 30, 0; expected one inside the picture, 40x32."


def test_errors_have_one_shape(client: Any) -> None:
    answers = [
        (404, client.get("/api/nonsense")),
        (405, client.put("/api/status")),
        (404, client.get(f"/api/jobs/{'0' * 32}")),
        (404, client.get("/api/pictures/..%2f..%2fetc%2fpasswd")),
        (404, client.get("/static/..%2f..%2fapp.py")),
        (422, client.post("/api/jobs", json={"content": "/etc/passwd", "styles": []})),
        (422, client.post("/api/jobs", content=b"{", headers={"content-type": "application/json"})),
        (422, client.get("/api/jobs", params={"limit": 0})),
        (422, client.get("/api/jobs", params={"search": "x" * 300})),
    ]
    for status, answer in answers:
        assert answer.status_code == status, answer.text
        assert {"error", "hint", "key", "field", "values"} == set(answer.json())
        assert answer.json()["error"].endswith(".") and answer.json()["key"]


def test_errors_of_the_library_have_status_and_field(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    errors: list[Exception] = [
        DiskError("there is no room.", "Free some."),
        RecipeError("size is 7; expected more.", "Give 512."),
        OutOfMemoryError("memory ran out.", "Give less."),
    ]

    def fail(self: Studio) -> Any:
        raise errors.pop(0)

    monkeypatch.setattr(Disk, "to_dict", fail)
    answers = [client.get("/api/status") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [507, 422, 500]
    assert [answer.json()["field"] for answer in answers] == [None, "size", None]
    assert answers[0].json()["key"] == "DiskError"


def test_the_page_and_its_files_are_served(client: Any) -> None:
    page = client.get("/")
    assert page.status_code == 200 and page.headers["content-type"] == "text/html; charset=utf-8"
    script = client.get("/static/js/main.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert client.get("/openapi.json").json()["info"]["title"] == "impasto studio"
    assert client.get("/docs").status_code == client.get("/redoc").status_code == 404


def test_the_status_says_what_there_is(client: Any) -> None:
    status = client.get("/api/status").json()
    assert status["ready"] is False and status["limits"]["jobs"] > 0 and status["disk"]["message"] is None
