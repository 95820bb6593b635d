"""The same rows in other files give the same answers: appended, split, shuffled, compressed (T19)."""

import gzip
import random

import pytest

import custmeasure as cm

EVENTS = ["visit", "cart", "buy"]


def rows(n: int = 400) -> list[str]:
    chance = random.Random(7)
    lines = []
    for i in range(n):
        depth = chance.choice([1, 1, 2, 3])
        day, device = 1 + i % 28, chance.choice(["mobile", "desktop"])
        for k in range(depth):
            at = f"2026-03-{day:02d} {10 + k:02d}:{i % 60:02d}"
            lines.append(f"e{i}-{k},v{i % 150:03d},{at},{EVENTS[k]},{device}")
    return lines


HEADER = "event_id,visitor_id,at,event,device"


def answers(folder, files: dict[str, list[str]]):
    folder.mkdir()
    (folder / "shop.toml").write_text('[tables.events]\nfile = "events*"\n', "utf-8")
    for name, lines in files.items():
        text = "\n".join([HEADER, *lines]) + "\n"
        data = gzip.compress(text.encode()) if name.endswith(".gz") else text.encode()
        (folder / name).write_bytes(data)
    shop = cm.open_shop(folder)
    funnel = cm.funnel(shop.events, EVENTS, window="2h", by="device")
    back = cm.retention(shop.events, unit="visitor_id", at="at", period="week")
    return funnel.frame, back.frame, shop.check().frame


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return answers(tmp_path_factory.mktemp("same") / "plain", {"events.csv": rows()})


def same(plain, other):
    for a, b in zip(plain[:2], other[:2], strict=True):
        assert a.equals(b)


def test_a_file_appended_to_itself_changes_no_metric(tmp_path, plain):
    doubled = answers(tmp_path / "twice", {"events.csv": rows() * 2})
    same(plain, doubled)
    (account,) = doubled[2].to_dict("records")
    assert account["n_duplicate"] == len(rows())
    assert account["n_in_file"] == 2 * len(rows()) == account["n_used"] + account["n_duplicate"]


def test_a_file_split_in_seven_and_shuffled_changes_no_metric(tmp_path, plain):
    lines = rows()
    random.Random(11).shuffle(lines)
    parts = {f"events-{k}.csv": lines[k::7] for k in range(7)}
    same(plain, answers(tmp_path / "seven", parts))


def test_a_compressed_file_changes_no_metric(tmp_path, plain):
    same(plain, answers(tmp_path / "gz", {"events.csv.gz": rows()}))
