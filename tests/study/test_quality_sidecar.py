"""The sidecar of a vendor's volume: what is wrong with it is said in one line."""

import json

import pytest

from sojourn.core.errors import DataError
from sojourn.study.measuring import _image_quality, quality_path

RIGHT = {
    "voxel_noise_mg_per_ml": 0.001,
    "noise_length_mm": 3.0,
    "scale_sd_percent": 10.0,
    "blur_mm": None,
    "source": "blank scan",
}


def written(folder, text):
    path = folder / "volume.nii.gz"
    quality_path(path).write_text(text)
    return path


def test_units_are_those_of_the_names(tmp_path):
    quality = _image_quality(written(tmp_path, json.dumps(RIGHT)))
    assert quality is not None
    assert (quality.voxel_noise, quality.noise_length) == pytest.approx((1e-3, 3e-3))
    assert quality.scale_sd == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"voxel_noise_mg_per_ml": -1}, "voxel_noise is -1.0"),
        ({"voxel_noise_mg_per_ml": float("nan")}, "voxel_noise is nan"),
        ({"source": 5}, "source is 5"),
        ({"scale_sd_percent": "x"}, "scale_sd_percent"),
    ],
)
def test_a_wrong_value_is_one_line(tmp_path, change, says):
    with pytest.raises(DataError, match=says) as caught:
        _image_quality(written(tmp_path, json.dumps(RIGHT | change)))
    assert "volume.quality.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_list_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"volume\.quality\.json: expected"):
        _image_quality(written(tmp_path, "[]"))


def test_no_sidecar_is_none(tmp_path):
    assert _image_quality(tmp_path / "volume.nii.gz") is None
