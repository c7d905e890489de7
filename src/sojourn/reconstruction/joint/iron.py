"""From calibration samples per voxel to iron, for the images of joint reconstructions."""

from sojourn.core.errors import DataError
from sojourn.core.images import IronMap, SampleMap
from sojourn.core.provenance import Provenance
from sojourn.core.signals import SystemMatrix


def convert_to_iron(image: SampleMap, calibration: SystemMatrix) -> IronMap:
    """Return the iron concentration, kg/m^3, of an image in samples of `calibration`.

    Parameters
    ----------
    image
        of a joint reconstruction; its unit is the sample of the first calibration given there.
    calibration
        that first calibration.

    Returns
    -------
        iron in the state of the calibration sample, on the image's grid. Of an image of tracer in
        another state it is that state's iron only if both samples' iron is stated and right.

    Raises
    ------
    DataError
        if the calibration does not state its sample's iron, or is not the image's first input.
    """
    if calibration.sample_iron is None:
        raise DataError(
            f"{calibration.name}: the calibration does not state its sample's iron; keep the image "
            "in calibration samples, or set sample_iron"
        )
    if image.provenance.inputs[:1] != (calibration.source,):
        raise DataError(
            f"{calibration.name} is not the first calibration of this image, in whose samples it "
            f"counts; that has the digest {image.provenance.inputs[:1]}"
        )
    scale = calibration.sample_iron / image.grid.voxel_volume
    made = image.provenance
    parameters = {**made.parameters, "sample_iron_kg": calibration.sample_iron}
    return IronMap(
        image.values * scale, image.grid, Provenance(made.stage, made.inputs, parameters)
    )
