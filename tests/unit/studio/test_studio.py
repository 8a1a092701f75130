"""The studio's queue: order, states, deletion, galleries, restart, a full disk."""

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from impasto.errors import OutputError
from impasto.studio import disk
from impasto.studio.job import read_job
from impasto.studio.job_body import JobBody
from impasto.studio.limits import Limits
from impasto.studio.refusal import Refusal
from impasto.studio.studio import Studio

BodyOf = Callable[..., JobBody]


def add(studio: Studio, body_of: BodyOf, count: int = 1, gallery: str = "main") -> list[str]:
    return [job["id"] for job in studio.add([body_of(studio, gallery)] * count, gallery)]


def state(studio: Studio, name: str) -> str:
    return str(studio.show(name, "main")["state"])


def reopen(studio: Studio) -> Studio:
    """The studio of the next server. Nobody has told the first how its painted jobs ended, as if it had been killed."""
    studio.close()
    return Studio(studio.folder, studio.limits)


def test_jobs_are_taken_in_the_order_of_the_queue(studio: Studio, body_of: BodyOf) -> None:
    names = add(studio, body_of, 3)
    assert studio.queue("main") == names
    assert [studio.show(name, "main")["position"] for name in names] == [0, 1, 2]
    studio.reorder([names[2], names[0]], "main")
    assert studio.queue("main") == [names[2], names[0], names[1]]
    first = studio.take()
    assert first is not None and first.id == names[2] and first.state == "painting" and first.started
    assert studio.show(names[0], "main")["position"] == 0 and studio.show(names[2], "main")["position"] is None


def test_an_order_with_unknown_and_double_ids_changes_the_known_ones(studio: Studio, body_of: BodyOf) -> None:
    names = add(studio, body_of, 3)
    studio.reorder([names[1], "f" * 32, names[1], names[0]], "main")
    assert studio.queue("main") == [names[1], names[0], names[2]]


def test_a_painted_job_has_its_outcome(studio: Studio, body_of: BodyOf) -> None:
    (name,) = add(studio, body_of)
    studio.take()
    step = {"step": 2, "steps": 4, "scale": 48, "scales": [48], "width": 48, "height": 38, "losses": {"total": 1.5}}
    studio.report_step(name, {**step, "seconds_left": 2.0, "share": 0.5, "previews": 2})
    shown = studio.show(name, "main")
    assert (shown["step"], shown["seconds_left"], shown["preview_version"]) == (2, 2.0, 2)
    studio.pause(name, "main")
    studio.report_end(name, {"state": "paused"})
    studio.resume(name, "main")
    studio.take()
    studio.report_step(name, {**step, "seconds_left": 2.0, "share": 0.5, "previews": 1})
    assert studio.show(name, "main")["preview_version"] == 3  # so that no browser shows one from before the pause
    studio.report_end(name, {"state": "done", "outcome": {"step": 4, "steps": 4, "seconds": 3.0}})
    shown = studio.show(name, "main")
    assert shown["preview_version"] == 3
    assert (shown["state"], shown["step"], shown["seconds"], shown["seconds_left"]) == ("done", 4, 3.0, None)
    assert shown["losses"] == {"total": 1.5} and shown["finished"] is not None
    assert read_job(studio.folder / "jobs" / name).outcome["seconds"] == 3.0


def test_a_waiting_job_is_paused_resumed_at_its_place_and_stopped(studio: Studio, body_of: BodyOf) -> None:
    names = add(studio, body_of, 3)
    studio.pause(names[1], "main")
    assert studio.queue("main") == [names[0], names[2]]
    with pytest.raises(Refusal, match="the job is paused") as refused:
        studio.pause(names[1], "main")
    assert refused.value.status == 409
    studio.resume(names[1], "main")
    assert studio.queue("main") == names
    studio.stop(names[1], "main")
    assert state(studio, names[1]) == "stopped"


def test_a_painted_job_is_paused_once_its_painter_says_so(studio: Studio, body_of: BodyOf) -> None:
    (name,) = add(studio, body_of)
    studio.take()
    studio.pause(name, "main")
    order = studio.order(name)
    assert order is not None and order["wish"] == "pause"  # for a painter that was just beginning
    assert state(studio, name) == "painting" and studio.show(name, "main")["asked"] == "pause"
    studio.report_end(name, {"state": "paused"})
    assert state(studio, name) == "paused" and studio.show(name, "main")["asked"] is None
    studio.resume(name, "main")
    order = studio.order(name)
    assert order is not None and order["wish"] == ""


def test_a_job_paused_in_its_middle_is_stopped_by_its_painter(studio: Studio, body_of: BodyOf) -> None:
    names = add(studio, body_of, 2)
    (studio.folder / "jobs" / names[1] / "run").mkdir()
    studio.pause(names[1], "main")
    studio.stop(names[1], "main")
    job = studio.take()
    assert job is not None and job.id == names[1]  # before the others
    order = studio.order(job.id)
    assert order is not None and order["wish"] == "stop"


def test_a_paused_job_with_a_picture_is_stopped_at_once(studio: Studio, body_of: BodyOf) -> None:
    (name,) = add(studio, body_of)
    studio.pause(name, "main")
    folder = studio.folder / "jobs" / name
    (folder / "run" / "checkpoint").mkdir(parents=True)
    (folder / "kept.png").write_bytes(b"so far")
    studio.stop(name, "main")
    shown = studio.show(name, "main")
    assert shown["state"] == "stopped" and shown["has"]["result"] and shown["finished"] is not None
    assert (folder / "run" / "result.png").read_bytes() == b"so far" and not (folder / "run" / "checkpoint").exists()
    assert studio.queue("main") == []


def test_deletion_removes_job_and_inputs_that_no_other_needs(
    studio: Studio, body_of: BodyOf, put_picture: Callable[..., str]
) -> None:
    names = add(studio, body_of, 2)
    content, style, sample = f"{1:032x}", f"{2:032x}", put_picture(studio, 9, "*")
    (third,) = studio.add([body_of(studio, styles=[sample])], "main")
    assert studio.delete([names[0]], "main") == 1
    assert not (studio.folder / "jobs" / names[0]).exists()
    assert (studio.folder / "pictures" / content).exists()
    studio.delete([names[1]], "main")
    assert not (studio.folder / "pictures" / style).exists() and (studio.folder / "pictures" / content).exists()
    assert studio.delete(None, "main") == 1 and studio.list_jobs("main") == {"jobs": [], "total": 0}
    left = [path.name for path in (studio.folder / "pictures").iterdir()]
    assert left == [sample] and [*(studio.folder / "jobs").iterdir()] == []
    with pytest.raises(Refusal):
        studio.show(third["id"], "main")


def test_a_photograph_lives_as_long_as_the_jobs_that_paint_a_part_of_it(
    studio: Studio, body_of: BodyOf, put_picture: Callable[..., str]
) -> None:
    whole = put_picture(studio, 7)
    os.utime(studio.folder / "pictures" / whole / "about.json", (0, 0))
    body = body_of(studio)
    about = studio.folder / "pictures" / str(body.content) / "about.json"
    crop = {"of": whole, "box": [0, 0, 16, 9], "whole": [40, 32]}
    about.write_text(json.dumps({**json.loads(about.read_text()), "crop": crop}))
    job = studio.add([body], "main")[0]
    studio.remove_unused()
    assert job["content"]["crop"] == crop and whole in studio.pictures.ids("main")
    studio.delete([job["id"]], "main")
    assert studio.pictures.ids("main") == []


def test_a_film_is_deleted_with_all_its_stills(
    studio: Studio, body_of: BodyOf, put_picture: Callable[..., str]
) -> None:
    whole, other = put_picture(studio, 7), put_picture(studio, 8)
    (studio.folder / "pictures" / whole / "film").write_bytes(b"film")
    body = body_of(studio)
    for name in (whole, other, str(body.content)):
        about = studio.folder / "pictures" / name / "about.json"
        about.write_text(json.dumps({**json.loads(about.read_text()), "film": {"of": whole, "time_s": 1.0}}))
    assert studio.pictures.film_file(str(body.content)) == studio.folder / "pictures" / whole / "film"
    job = studio.add([body], "main")[0]
    studio.delete([job["id"]], "main")
    assert studio.pictures.ids("main") == []


def test_the_end_of_a_deleted_job_is_ignored(studio: Studio, body_of: BodyOf) -> None:
    (name,) = add(studio, body_of)
    studio.take()
    studio.delete([name], "main")
    studio.report_step(name, {"step": 1})
    studio.report_end(name, {"state": "done", "outcome": {}})
    assert studio.order(name) is None and [*(studio.folder / "jobs").iterdir()] == []


def test_a_picture_that_a_job_needs_stays(studio: Studio, body_of: BodyOf) -> None:
    (name,) = add(studio, body_of)
    with pytest.raises(Refusal, match="a job needs this picture"):
        studio.delete_picture(f"{1:032x}", "main")
    studio.delete([name], "main")


def test_pictures_that_were_never_painted_are_deleted_after_a_week(
    studio: Studio, body_of: BodyOf, put_picture: Callable[..., str]
) -> None:
    add(studio, body_of)
    old, new, sample = (put_picture(studio, number, gallery) for number, gallery in ((7, "x"), (8, "x"), (9, "*")))
    for path in (studio.folder / "pictures").glob("*/about.json"):
        if path.parent.name != new:
            os.utime(path, (0, 0))
    studio.remove_unused()
    left = {path.name for path in (studio.folder / "pictures").iterdir()}
    assert left == {f"{1:032x}", f"{2:032x}", new, sample} and old not in left


def test_galleries_are_apart(studio: Studio, body_of: BodyOf) -> None:
    mine, theirs = add(studio, body_of)[0], add(studio, body_of, gallery="other")[0]
    for change in (studio.pause, studio.stop, studio.resume, studio.find):
        with pytest.raises(Refusal) as refused:
            change(theirs, "main")
        assert refused.value.status == 404
    with pytest.raises(Refusal):
        studio.delete([mine, theirs], "main")
    assert studio.list_jobs("main")["total"] == studio.list_jobs("other")["total"] == 1
    assert studio.delete(None, "main") == 1 and studio.queue("other") == [theirs]


def test_more_jobs_than_allowed_are_refused(tmp_path: Path, body_of: BodyOf) -> None:
    studio = Studio(tmp_path / "small", Limits(jobs=2, free_bytes=1))
    add(studio, body_of)
    with pytest.raises(Refusal) as refused:
        add(studio, body_of, 2)
    assert refused.value.status == 429 and studio.list_jobs("main")["total"] == 1
    studio.close()


def test_a_second_server_is_refused(studio: Studio) -> None:
    with pytest.raises(OutputError, match=f"in use by process {os.getpid()}"):
        Studio(studio.folder, studio.limits)


def test_only_the_owner_may_read_the_folder(studio: Studio, body_of: BodyOf) -> None:
    (name,) = add(studio, body_of)
    for path in (studio.folder, studio.folder / "jobs", studio.folder / "jobs" / name):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_the_database_is_made_anew_from_the_jobs(studio: Studio, body_of: BodyOf) -> None:
    names = add(studio, body_of, 4)
    studio.reorder(names[::-1], "main")
    taken = studio.take()
    assert taken is not None
    studio.report_end(taken.id, {"state": "done", "outcome": {"steps": 4}})
    studio.rename(names[0], "main", "Die Brücke")
    before = studio.list_jobs("main")
    studio.close()
    for path in studio.folder.glob("studio.db*"):
        path.unlink()
    again = reopen(studio)
    assert again.list_jobs("main") == before
    assert again.queue("main") == names[:3][::-1]
    again.close()


def test_what_was_painted_when_the_server_was_killed_is_first_again(studio: Studio, body_of: BodyOf) -> None:
    names = add(studio, body_of, 2)
    studio.take()
    run = studio.folder / "jobs" / names[0] / "run"
    run.mkdir()
    line = {"step": 3, "steps": 4, "scale": 48, "losses": {"total": 2.0}}
    (run / "trace.jsonl").write_text(json.dumps(line) + "\n")
    hidden = studio.folder / "jobs" / f".deleted-{'a' * 32}"
    hidden.mkdir()
    (studio.folder / "jobs" / ("b" * 32)).mkdir()
    (studio.folder / "jobs" / ("c" * 32)).symlink_to(run.parent)
    again = reopen(studio)
    shown = again.show(names[0], "main")
    assert again.queue("main") == names and (shown["state"], shown["step"]) == ("waiting", 3)
    assert not hidden.exists() and again.list_jobs("main")["total"] == 2
    again.close()


def test_a_damaged_job_is_left_out_with_a_warning(
    studio: Studio, body_of: BodyOf, caplog: pytest.LogCaptureFixture
) -> None:
    names = add(studio, body_of, 2)
    (studio.folder / "jobs" / names[0] / "job.json").write_text("{")
    again = reopen(studio)
    assert again.queue("main") == [names[1]] and "is left out" in caplog.text
    again.close()


def test_at_the_servers_end_a_painted_job_waits_again(studio: Studio, body_of: BodyOf) -> None:
    (name,) = add(studio, body_of)
    studio.take()
    studio.report_end(name, {"state": "paused"})  # nobody asked for it but the end
    assert state(studio, name) == "waiting"


def test_a_full_disk_pauses_and_room_lets_go_on(
    studio: Studio, body_of: BodyOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "LOOK_S", 0.0)
    names = add(studio, body_of, 2)
    studio.take()
    free = [0]
    monkeypatch.setattr(studio.disk, "free_bytes", lambda: free[0])
    studio.watch_disk()
    order = studio.order(names[0])
    assert order is not None
    studio.report_end(names[0], {"state": "paused"})
    shown = studio.show(names[0], "main")
    assert shown["state"] == "paused" and shown["message"]["key"] == "disk-full"
    assert studio.disk.to_dict()["message"]["key"] == "disk-full" and studio.disk.is_full
    free[0] = 10
    studio.watch_disk()
    assert studio.queue("main") == names and studio.disk.to_dict()["message"] is None


def test_a_search_finds_words_in_names_states_and_recipes(studio: Studio, body_of: BodyOf) -> None:
    (first,) = studio.add([body_of(studio, name="The Bridge", recipe={"strength": 0.8})], "main")
    (second,) = studio.add([body_of(studio, name="the cat")], "main")
    studio.pause(second["id"], "main")

    def found(text: str, **choice: Any) -> list[str]:
        return [job["name"] for job in studio.list_jobs("main", search=text, **choice)["jobs"]]

    assert found("bridge") == found("strength=0.8") == found("THE waiting") == ["The Bridge"]
    assert found("the") == ["the cat", "The Bridge"] and found("paused") == ["the cat"]
    assert found("%") == found("the dog") == []
    assert found("the", limit=1) == ["the cat"] and found("the", before=second["id"]) == ["The Bridge"]
    assert studio.list_jobs("main", search="the", limit=1)["total"] == 2
    assert first["position"] == 0


def test_pictures_of_one_pair_have_names_of_their_own(studio: Studio, body_of: BodyOf) -> None:
    add(studio, body_of)
    add(studio, body_of, 2)
    names = [job["name"] for job in studio.list_jobs("main")["jobs"]]
    first = min(names, key=len)
    assert sorted(names) == [first, f"{first} 2", f"{first} 3"]
    long = replace(body_of(studio, "main"), name="x" * 200)
    assert [job["name"] for job in studio.add([long, long], "main")] == ["x" * 200, "x" * 192 + " 2"]
