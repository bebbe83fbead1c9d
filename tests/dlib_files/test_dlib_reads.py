"""dlib itself reads a file that is written here, and computes the same. Builds C++: slow."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from make import compiled, library

import archdsl
from archdsl.backends.formats import encode, format_of

TEXT = """
template <typename SUBNET> using unit = relu<bn_con<con<6,3,3,1,1,SUBNET>>>;
template <typename SUBNET> using shortcut = relu<add_prev1<unit<tag1<SUBNET>>>>;
template <typename SUBNET> using b1 = con<2,1,1,1,1,SUBNET>;
template <typename SUBNET> using b2 = relu<con<3,3,3,1,1,SUBNET>>;
template <typename SUBNET> using b3 = max_pool<3,3,1,1,SUBNET>;
using net_type = loss_multiclass_log<fc<4,multiply<leaky_relu<fc_no_bias<7,avg_pool<2,2,2,2,
    inception3<b1,b2,b3,repeat<2,shortcut,unit<input<matrix<unsigned char>>>>>>>>>>>;
"""

PROGRAM = """
#include <dlib/dnn.h>
#include <fstream>
#include <iostream>
using namespace dlib;
%s
int main(int, char** argv)
{
    net_type net;
    deserialize(argv[1]) >> net;
    matrix<unsigned char> image(8, 8);
    for (long r = 0; r < 8; ++r)
        for (long c = 0; c < 8; ++c)
            image(r, c) = static_cast<unsigned char>(30 * r + c);
    resizable_tensor x;
    net.to_tensor(&image, &image + 1, x);
    std::cout.precision(9);
    for (float value : net.subnet().forward(x)) std::cout << value << '\\n';
    serialize(argv[2]) << net;
    net.clean();
    serialize(argv[3]) << net;
}
"""


@pytest.mark.slow
def test_dlib_reads_what_is_written_and_writes_it_back(tmp_path: Path) -> None:
    source = os.environ.get("DLIB_SOURCE")
    if source is None or shutil.which("g++") is None:
        pytest.skip("needs g++, and the environment variable DLIB_SOURCE")
    network = archdsl.load(TEXT, input="1x8x8").check()
    module = network.to_torch(seed=4)
    for _ in range(3):
        module(torch.rand(4, 1, 8, 8) * 255)
    module.eval()
    ours, used, clean = (tmp_path / name for name in ("ours.dat", "used.dat", "clean.dat"))
    ours.write_bytes(encode(format_of(ours), network.checked, module))

    program, binary = tmp_path / "net.cpp", tmp_path / "net"
    program.write_text(PROGRAM % TEXT)
    build = Path(os.environ.get("ORACLE_BUILD", tmp_path))
    compiled(program, binary, Path(source), [library(Path(source), build)])
    command = [str(binary), str(ours), str(used), str(clean)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    image = torch.tensor([[30.0 * r + c for c in range(8)] for r in range(8)])[None, None]
    with torch.inference_mode():
        computed = module(image)[0].numpy()
    np.testing.assert_allclose(computed, np.array(printed.split(), float), rtol=1e-4, atol=1e-5)
    assert clean.read_bytes() == ours.read_bytes()

    # What was left over from the batch is read past.
    again = archdsl.compile(TEXT, input="1x8x8", weights=used)
    for name, value in module.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value)
