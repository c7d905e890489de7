import pytest

from sojourn.core.errors import DataError, PluginError
from sojourn.study.presets import PRESETS, settings_of
from sojourn.study.reconstructing import method_settings, methods


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_complete_but_for_the_background(name):
    method, settings = settings_of(name, None, {"background": "own_mean"})
    assert method_settings(method, settings).background.value == "own_mean"
    assert PRESETS[name].source
    with pytest.raises(DataError, match="background"):
        method_settings(method, PRESETS[name].settings)


def test_the_tutorials_preset_has_the_numbers_of_mpireco():
    """Figures of the tutorials: SNRThresh 5, minFreq 80e3, recChannels 1:2, L2Regularization(0)."""
    _, settings = settings_of("mpireco-tutorial", None, {})
    assert settings == {
        "iterations": 1,
        "regularization": 0.0,
        "min_snr": 5.0,
        "min_frequency": 80e3,
        "channels": (0, 1),
    }


def test_what_is_stated_and_pairs_beat_the_preset():
    _, settings = settings_of(
        "mpireco-gui", None, {"iterations": 7, "min_snr": None}, ["iterations=7", "min_snr=9"]
    )
    assert settings["iterations"] == 7
    assert settings["min_snr"] == 9
    assert settings["max_frequency"] == 1.25e6


@pytest.mark.parametrize(
    ("given", "pairs"),
    [
        ({"background": "own_mean"}, ["background=none"]),
        ({"iterations": 3}, ["iterations=4"]),
        ({"channels": (0, 1)}, ["channels=[0]"]),
        ({}, ["min_snr=3", "min_snr=5"]),
    ],
)
def test_a_setting_stated_twice_with_two_values_is_refused(given, pairs):
    with pytest.raises(DataError, match="is stated twice"):
        settings_of(None, None, given, pairs)


def test_a_setting_stated_twice_alike_is_that_setting():
    _, settings = settings_of(None, None, {"channels": (0, 1)}, ["channels=[0, 1]"])
    assert list(settings["channels"]) == [0, 1]


def test_json_too_deep_to_read_is_text():
    text = "[" * 100_000
    assert settings_of(None, None, {}, [f"bins={text}"])[1] == {"bins": text}


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        ("channels=[0, 2]", [0, 2]),
        ("regularization=discrepancy", "discrepancy"),
        ("max_rows=null", None),
        ("name=a=b", "a=b"),
    ],
)
def test_a_pair_is_json_or_text(pair, expected):
    key, _, _ = pair.partition("=")
    assert settings_of(None, None, {}, [pair])[1][key] == expected


@pytest.mark.parametrize(
    ("given", "pairs"),
    [
        ({"background": "own_mean"}, ["background=none"]),
        ({"iterations": 4}, ["iterations=3"]),
        ({}, ["iterations=3", "iterations=4"]),
    ],
)
def test_one_setting_stated_twice_and_differently_is_refused(given, pairs):
    with pytest.raises(DataError, match="stated twice"):
        settings_of(None, None, given, pairs)


@pytest.mark.parametrize("pair", ["iterations", "=3", ""])
def test_what_is_no_pair_is_refused(pair):
    with pytest.raises(DataError, match="KEY=VALUE"):
        settings_of(None, None, {}, [pair])


def test_an_unknown_preset_or_another_method_than_its_own_is_refused():
    with pytest.raises(DataError, match="mpireco-gui"):
        settings_of("gui", None, {})
    with pytest.raises(DataError, match="leave one out"):
        settings_of("mpireco-gui", "fista", {})


def test_a_misspelt_setting_names_those_that_exist():
    with pytest.raises(DataError, match=r"fista: sparsty.*sparsity"):
        method_settings("fista", {"background": "none", "sparsty": 1})


def test_a_misspelt_method_names_the_nearest():
    with pytest.raises(PluginError, match="did you mean 'kaczmarz'"):
        method_settings("kaczmarc", {})


@pytest.mark.parametrize("name", methods.names())
def test_every_method_needs_a_background(name):
    with pytest.raises(DataError, match="background"):
        method_settings(name, {})
