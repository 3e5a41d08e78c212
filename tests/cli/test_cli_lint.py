import json

import pytest

NETS = """
from torch import nn

sound = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10))
class Chatty(nn.ReLU):
    def forward(self, x):
        print("looking at", x.shape)
        return super().forward(x)

chatty = nn.Sequential(*sound[:1], Chatty(), *sound[2:])
doubled = nn.Sequential(*sound, nn.Softmax(dim=1))

def deep():
    return nn.Sequential(
        nn.Conv2d(1, 8, 5), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 5)
    )
"""


@pytest.fixture(autouse=True)
def _nets(tmp_path, monkeypatch):
    (tmp_path / "nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)


def test_a_sound_net_says_so(striate_command):
    done = striate_command("lint", "nets.py:sound", "--input", "1,8,8")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "nets.py:sound (1,8,8): no rule fired.\n"


def test_an_error_leaves_with_1_and_stands_first(striate_command):
    done = striate_command("lint", "nets.py:deep", "--input", "1x10x10")
    assert (done.returncode, done.stderr) == (1, "")
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert lines[:2] == ["1 error", "  4: shrinks-to-nothing"]
    words = " ".join(done.stdout.split())
    assert "Mend: Feed at least 14x14" in words
    assert words.index("1 error") < words.index("1 hint 0: useless-bias")


@pytest.mark.parametrize("columns", [40, 100])
def test_readable_at_any_width(striate_command, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    done = striate_command("lint", "nets.py:deep", "--input", "1,10,10")
    assert max(map(len, done.stdout.splitlines())) <= columns
    assert "\x1b" not in done.stdout


def test_json_is_one_object(striate_command):
    done = striate_command("lint", "nets.py:deep", "--input", "1,10,10", "--json")
    found = json.loads(done.stdout)["findings"]
    assert done.returncode == 1
    assert [row["rule"] for row in found] == ["shrinks-to-nothing", "useless-bias"]
    assert {"rule", "level", "layer", "reason", "mend"} <= found[0].keys()


def test_json_of_a_sound_net(striate_command):
    done = striate_command("lint", "nets.py:sound", "--input", "1,8,8", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"findings": []})


def test_a_networks_name(striate_command):
    done = striate_command("lint", "lecture_net", "--input", "1,28,28", "--json")
    assert done.returncode == 0
    assert all(finding["level"] == "hint" for finding in json.loads(done.stdout)["findings"])
    done = striate_command("lint", "lecture_nett", "--input", "1,28,28")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Did you mean lecture_net" in done.stderr


def test_what_the_net_prints_is_no_result(striate_command):
    done = striate_command("lint", "nets.py:chatty", "--input", "1,8,8", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"findings": []})
    assert "looking at" in done.stderr


def test_the_loss_makes_the_last_layer_a_warning(striate_command):
    words = ["lint", "nets.py:doubled", "--input", "1,8,8"]
    assert striate_command(*words).stdout.startswith("1 hint\n")
    done = striate_command(*words, "--loss", "cross-entropy")
    assert done.returncode == 0
    assert done.stdout.startswith("1 warning\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nets.py:sound", "--input", "1,a"], "--input: got '1,a'"),
        (["nets.py:sounds", "--input", "1,8,8"], "Did you mean sound?"),
        (["nosuch.py:sound", "--input", "1,8,8"], "nosuch.py: no such file"),
        ([".:sound", "--input", "1,8,8"], "is a folder"),
        (["nets.py:sound", "--input", "1,8,8", "--loss", "crossentropy"], "cross-entropy"),
    ],
)
def test_wrong_input_is_one_line_and_2(striate_command, words, says):
    done = striate_command("lint", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
