"""Names in compiled modules: those that a layer or scope cannot have, and those of classes."""

from __future__ import annotations

import keyword

_MODULE = frozenset(
    {
        "T_destination", "add_module", "add_submodule", "apply", "bfloat16", "buffers",
        "call_super_init", "children", "code", "compile", "cpu", "criterion", "cuda", "decision",
        "delete_all_unused_submodules", "delete_submodule", "double", "dump_patches", "eval",
        "extra_repr", "float", "forward", "get_buffer", "get_extra_state", "get_parameter",
        "get_submodule", "graph", "half", "ipu", "load_state_dict", "meta", "modules", "mtia",
        "named_buffers", "named_children", "named_modules", "named_parameters", "parameters",
        "print_readable", "recompile", "register_backward_hook", "register_buffer",
        "register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook",
        "register_full_backward_pre_hook", "register_load_state_dict_post_hook",
        "register_load_state_dict_pre_hook", "register_module", "register_parameter",
        "register_state_dict_post_hook", "register_state_dict_pre_hook", "requires_grad_",
        "set_extra_state", "set_submodule", "shape_env", "share_memory", "state_dict", "to",
        "to_empty", "to_folder", "train", "training", "type", "xpu", "zero_grad",
    }
)  # fmt: skip
"""Attributes of torch.nn.Module and GraphModule: a submodule ``half`` would hide the method."""


def allowed(name: str) -> str:
    """The name of a submodule, changed if it is a Python keyword or an attribute of a module."""
    if name.startswith("_"):
        return f"n{name}"
    return f"{name}_" if name in _MODULE or keyword.iskeyword(name) else name


def class_name(name: str, otherwise: str) -> str:
    """``conv_bn`` as a class is called, ``ConvBn``.

    ``otherwise`` goes before digits and before words of Python: ``none`` is ``BlockNone``.
    """
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in name).split()
    joined = "".join(word[0].upper() + word[1:] for word in words)
    fits = joined[:1].isalpha() and not keyword.iskeyword(joined)
    return joined if fits else f"{otherwise}{joined}"
