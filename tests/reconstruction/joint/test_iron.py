import numpy as np
import pytest

import synthetic_mpi as synthetic
from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.images import SampleMap
from sojourn.core.provenance import Provenance
from sojourn.reconstruction.joint.iron import convert_to_iron

GRID = Grid.centered((2, 1, 1), (0.002, 0.003, 0.004))
IMAGE = SampleMap(
    np.array([[[1.0]], [[0.5]]]), GRID, Provenance("joint", ("matrix-0", "scan-0"), {"a": 1})
)


def test_iron_is_samples_times_their_iron_over_the_voxel():
    found = convert_to_iron(IMAGE, synthetic.matrix(sample_iron=6e-9))
    # 6 ug in 24 mm^3: 0.25 kg/m^3 would be 6e-9 / 24e-9
    np.testing.assert_allclose(found.values.ravel(), [0.25, 0.125], rtol=1e-12)
    assert found.provenance.inputs == IMAGE.provenance.inputs
    assert found.provenance.parameters == {"a": 1, "sample_iron_kg": 6e-9}


def test_without_the_samples_iron_it_is_refused():
    with pytest.raises(DataError, match="does not state its sample's iron"):
        convert_to_iron(IMAGE, synthetic.matrix())


def test_another_calibration_is_refused():
    with pytest.raises(DataError, match="not the first calibration of this image"):
        convert_to_iron(IMAGE, synthetic.matrix(1, sample_iron=6e-9))
