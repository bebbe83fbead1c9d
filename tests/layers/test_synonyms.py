"""Names from elsewhere: what they are called here, and where a search finds them.

What a name stands for is said by the programs themselves: their modules are compared by what they
compute, or the word is one of the paper that the layer follows.
"""

import os
import subprocess
import sys

import pytest
from support.commands import run

import archdsl
from archdsl.layers import definitions, synonyms
from archdsl.layers.search import search

KNOWN = [d for d in definitions().values() if d.writable]


def hint(name: str) -> str:
    """The help of the error about an unknown name."""
    with pytest.raises(archdsl.ArchError) as raised:
        archdsl.load(f"fc<10,{name}<input<3,32,32>>>")
    (found,) = raised.value.diagnostics
    assert found.code == "E101" and found.help is not None
    return found.help


@pytest.mark.parametrize(
    ("written", "here"),
    [
        ("pixelshuffle", "pixel_shuffle"),  # torch.nn.PixelShuffle
        ("PixelShuffle", "pixel_shuffle"),
        ("swish", "silu"),  # Ramachandran et al. 2017, with beta = 1
        ("hswish", "hardswish"),
        ("loss_mse", "loss_mean_squared"),
        ("MSELoss", "loss_mean_squared"),
        ("deconv", "cont"),
        ("ConvTranspose2d", "cont"),
        ("Conv2DTranspose", "cont"),
        ("bn", "bn_con"),
        ("BatchNorm2d", "batch_norm"),
        ("BatchNormalization", "batch_norm"),
        ("Conv2d", "con"),
        ("conv", "con"),
        ("convolutional", "con"),  # Darknet
        ("Dense", "fc"),
        ("InnerProduct", "fc"),  # Caffe
        ("Gemm", "fc"),  # ONNX
        ("Linear", "fc"),
        ("Concatenate", "parallel"),
        ("UpSampling2D", "upsample_nearest"),
        ("GlobalAveragePooling2D", "avg_pool_everything"),
        ("DepthwiseConv2D", "depthwise"),
        ("SpatialDropout2D", "spatial_dropout"),
        ("ZeroPadding2D", "pad"),
        ("Add", "residual"),
        ("Eltwise", "residual"),
        ("DepthToSpace", "pixel_shuffle"),
        ("logistic", "sigmoid"),
        ("Embedding", "embeddings"),
        ("MultiHeadAttention", "attention"),
        ("crossentropy", "loss_multiclass_log"),
        ("squeeze_and_excitation", "scale"),
    ],
)
def test_names_from_elsewhere_are_told_before_names_that_are_spelled_alike(
    written: str, here: str
) -> None:
    assert hint(written).removeprefix("did you mean ").startswith(f"'{here}'")


@pytest.mark.parametrize(
    ("written", "here"),
    [("rleu", "relu"), ("max_poll", "max_pool"), ("dropuot", "dropout"), ("sigmiod", "sigmoid")],
)
def test_misspelt_names_of_the_catalogue_are_still_told(written: str, here: str) -> None:
    assert hint(written) == f"did you mean '{here}'?"


def test_misspelt_names_from_elsewhere_are_told_too() -> None:
    assert hint("BachNorm2d") == (
        "did you mean 'batch_norm' or 'bn_con'? PyTorch calls it BatchNorm2d"
    )


def test_a_name_that_is_meant_elsewhere_and_is_here_too_is_told_as_both() -> None:
    assert hint("LayerNorm") == (
        "'layer_norm_last' is what PyTorch calls LayerNorm; there is 'layer_norm' too"
    )


@pytest.mark.parametrize(("name", "maker"), [("concat", "'parallel' or 'concat2'")])
def test_layers_of_several_inputs_are_made_by_combinators(name: str, maker: str) -> None:
    with pytest.raises(archdsl.ArchError, match=f"{maker} makes it"):
        archdsl.load(f"{name}<input<3,8,8>>")


def test_the_texts_own_names_come_first() -> None:
    text = "template <typename S> using Conv = con<8,3,3,1,1,S>;\nfc<10,conv<input<3,8,8>>>"
    with pytest.raises(archdsl.ArchError, match="did you mean 'Conv'"):
        archdsl.load(text)


def test_blocks_of_the_bundled_files_are_told() -> None:
    assert '#include "blocks/' in hint("bottleneck")


def test_every_synonym_is_of_layers_that_can_be_written() -> None:
    writable = {d.name for d in KNOWN}
    for synonym in synonyms.synonyms():
        assert synonym.layers and writable.issuperset(synonym.layers), synonym


def test_a_word_is_in_the_table_of_its_origin_once() -> None:
    words = [(s.origin, s.word) for s in synonyms.synonyms()]
    assert len(set(words)) == len(words)


def test_words_of_pytorch_are_classes_or_functions_of_pytorch() -> None:
    import torch

    homes = (torch.nn, torch, torch.nn.functional, torch.Tensor)
    vision = {"FrozenBatchNorm2d"}  # torchvision.ops
    for synonym in synonyms.synonyms():
        if synonym.origin == "PyTorch":
            known = any(hasattr(home, synonym.word) for home in homes)
            assert known or synonym.word in vision, synonym


def test_words_of_keras_are_its_layers_losses_or_activations() -> None:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    # keras.applications has classes of its own for the blocks of some networks.
    private = {"CustomScaleLayer", "LayerScale", "StochasticDepth"}
    for synonym in synonyms.synonyms():
        if synonym.origin == "Keras":
            homes = (keras.layers, keras.losses, keras.activations, keras)
            assert any(hasattr(h, synonym.word) for h in homes) or synonym.word in private, synonym


def test_words_of_onnx_are_its_operators() -> None:
    defs = pytest.importorskip("onnx.defs")
    known = {schema.name for schema in defs.get_all_schemas_with_history()}
    assert known.issuperset(s.word for s in synonyms.synonyms() if s.origin == "ONNX")


# ---- archdsl layers WORD ----


def names(word: str) -> dict[str, list[str]]:
    return {place: [h.definition.name for h in hits] for place, hits in search(word, KNOWN).items()}


def test_a_search_finds_names_synonyms_arguments_and_descriptions() -> None:
    assert "max_pool" in names("pool")["named so"]
    assert names("Conv2d")["called so elsewhere"][0] == "con"
    assert "con" in names("kernel_h")["with an argument"]
    assert "merge_patches" in names("cells of a map")["described so"]
    assert "con" not in names("kernel_h").get("described so", [])


def test_a_search_heeds_neither_case_nor_what_parts_words() -> None:
    assert names("BATCH-NORM") == names("batch norm")
    assert names("BatchNorm")["named so"] == names("batch norm")["named so"]


@pytest.mark.parametrize("word", ["", "_", "<>", "quantum"])
def test_a_search_for_nothing_finds_nothing(word: str) -> None:
    assert names(word) == {}


def test_the_command_searches_and_fits_eighty_columns() -> None:
    for words in ((), ("pool",), ("stride",), ("tag",)):
        done = run("layers", *words)
        assert done.exit_code == 0
        assert max(map(len, done.stdout.splitlines())) <= 80
    whole = run("layers").stdout
    assert "tag1 … tag10" in whole and "tag2" not in whole.replace("tag2 …", "")
    for definition in KNOWN:  # but for the numbers, none is left out
        assert definition.name.rstrip("0123456789") in whole
    assert "PyTorch calls it Conv2d" in " ".join(run("layers", "Conv2d").stdout.split())


def test_a_layer_is_shown_with_what_it_is_called_elsewhere() -> None:
    shown = " ".join(run("layers", "con").stdout.split())
    assert "PyTorch: Conv2d" in shown and "Caffe: Convolution" in shown
    assert "see also: fc (Keras calls it Dense)" in run("layers", "dense").stdout


def test_search_and_suggestions_import_no_torch() -> None:
    program = (
        "import sys\nfrom archdsl.cli import main\n"
        "try: main(['layers', 'Conv2d'])\n"
        "except SystemExit: pass\n"
        "import archdsl\n"
        "try: archdsl.load('Conv2d<input<3,8,8>>')\n"
        "except archdsl.ArchError as error: assert 'con' in str(error)\n"
        "sys.exit('torch' in sys.modules or 'onnx' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("operator", "layer"),
    [("Conv", "con"), ("ConvTranspose", "cont"), ("MaxPool", "max_pool"), ("Gemm", "fc")],
)
def test_operators_of_onnx_are_known_from_all_of_its_readers_tables(
    operator: str, layer: str
) -> None:
    of_onnx = [s for s in synonyms.meant(operator) if s.origin == "ONNX"]
    assert [s.layers[0] for s in of_onnx] == [layer]
