"""Files that earlier versions wrote, and the words that they use, are read as they were meant."""

import pytest

from napari_lesion.training.config.detector import LossConfig


@pytest.mark.parametrize("word", ["heat", "heatmap"])
def test_a_training_configuration_may_name_its_loss_as_before(word: str) -> None:
    assert LossConfig.model_validate({word: "dice"}).heatmap == "dice"
