"""Networks of one layer, for each of the catalogue, and of what takes several tensors."""

from __future__ import annotations

import itertools

import archdsl
from archdsl.diagnostics import ArchError
from archdsl.layers import Definition, Layer, definitions

FORMS = {
    "maps": "input<6,4,6>",
    "deep maps": "input<8,4,6>",
    "row": "flatten<input<6,2,2>>",
    "number": "flatten<input<1,1,1>>",
    "sequence": "tokens<input<6,3,4>>",
    "indices": "input<1,6,1>",
    "tokens": "input<1,6,8>",
}
"""What a layer may be applied to."""


def plain(definition: Definition) -> bool:
    """Whether a name is a layer that is applied to one tensor."""
    return definition.writable and issubclass(definition.cls, Layer) and definition.cls.inputs == 1


NAMES = [
    name
    for name, each in definitions().items()
    if plain(each) and name not in ("samples", "select")  # of regions and of pyramids
]


GIVEN = {"window_reverse": ["window_reverse<2,window_partition<2,input<3,4,4>>>"]}
"""Networks of layers that none of those forms suits."""


def texts(name: str) -> list[str]:
    """The layer on every form that it takes, with numbers for what it has to be told."""
    if name in GIVEN:
        return GIVEN[name]
    required = [a for a in definitions()[name].arguments if a.required]
    found = []
    for form in FORMS.values():
        for values in itertools.product((2, 3, 1), repeat=min(len(required), 3)):
            given = [str(v) for v in (*values, *[1] * (len(required) - len(values)))]
            text = f"{name}<{','.join([*given, form])}>"
            try:
                archdsl.load(text).check()
            except ArchError:
                continue
            found.append(text)
            break
    return found


MAPS = "input<4,6,6>"
HALF = f"max_pool<2,2,2,2,tag1<{MAPS}>>"
SEVERAL = [
    f"add_prev1<con<4,3,3,1,1,tag1<{MAPS}>>>",
    f"add_prev<tag1,con<6,3,3,2,2,tag1<{MAPS}>>>",  # padded with zeros
    f"mult_prev1<con<4,3,3,1,1,tag1<{MAPS}>>>",
    f"mult_prev<tag1,con<2,3,3,2,2,tag1<{MAPS}>>>",
    f"multm_prev1<transpose<tag1<{MAPS}>>>",
    f"multm_prev<tag1,relu<tag1<{MAPS}>>>",
    f"scale_prev1<skip2<tag1<sig<fc<4,tag2<{MAPS}>>>>>>",
    f"scale_prev<tag1,skip2<tag1<sig<fc<4,tag2<{MAPS}>>>>>>",
    f"scale1<sig<fc<4,tag1<{MAPS}>>>>",
    f"scale_tagged<tag1,sig<fc<4,tag1<{MAPS}>>>>",
    f"scale<compose<sig,con<4,1,1,1,1>,avg_pool_everything>,relu<{MAPS}>>",
    f"scale<compose<sig,con<1,1,1,1,1>,channel_max>,relu<{MAPS}>>",
    f"offset<compose<con<4,1,1,1,1>,avg_pool_everything>,relu<{MAPS}>>",
    f"offset<con<1,1,1,1,1>,relu<{MAPS}>>",
    f"offset_prev<tag1,skip2<tag1<con<1,1,1,1,1,tag2<{MAPS}>>>>>",
    f"resize_like<tag1,{HALF}>",
    f"resize_like<tag1,nearest=true,{HALF}>",
    f"resize_prev_to_tagged1<{HALF}>",
    f"resize_prev_to_tagged<tag1,{HALF}>",
    f"concat_tags<tag1,tag2,tag2<con<3,1,1,1,1,tag1<{MAPS}>>>>",
    *(
        f"concat{n}<{''.join(f'tag{i},' for i in range(1, n + 1))}"
        f"{''.join(f'tag{i}<con<{i},1,1,1,1,' for i in range(n, 0, -1))}{MAPS}{'>>' * n}>"
        for n in (2, 3, 4, 5)
    ),
    *(
        f"inception{n}<{''.join(f'con<{i},1,1,1,1>,' for i in range(1, n + 1))}relu<{MAPS}>>"
        for n in (2, 3, 4, 5)
    ),
    f"parallel<identity,con<2,1,1,1,1>,{MAPS}>",
    f"parallel<{''.join(f'con<{i},1,1,1,1>,' for i in range(1, 9))}{MAPS}>",
    f"residual<con<4,3,3,1,1>,{MAPS}>",
    f"residual<con<5,3,3,2,2,1,1>,con<5,1,1,2,2>,{MAPS}>",
    f"dense<con<2,3,3,1,1>,3,{MAPS}>",
    f"branch<side,fc<3>,con<2,1,1,1,1,{MAPS}>>",
    f"outputs<a=fc<2>,b=fc<3>,c=identity,con<2,1,1,1,1,{MAPS}>>",
    f"when<true,relu,sig,con<2,1,1,1,1,{MAPS}>>",
    f"frozen<con<2,1,1,1,1>,{MAPS}>",
    f"parallel<shared<a,con<2,3,3,1,1>>,shared<a,con<2,3,3,1,1>>,{MAPS}>",
    f"repeat<3,shared<a,con<4,3,3,1,1>>,{MAPS}>",
    f"repeat<3,i,con<4,2*i+1,3,1,1>,{MAPS}>",
    f"repeat<3,con<4,3,3,1,1>,{MAPS}>",
    f"skip1<relu<tag1<con<2,1,1,1,1,{MAPS}>>>>",
    f"add_skip_layer<tag1,relu<add_tag_layer<1,con<2,1,1,1,1,{MAPS}>>>>",
    f"add_layer<con_<4,3,3,1,1>,{MAPS}>",
    f"at<low,max_pool<2,2,2,2,tap<low,con<2,1,1,1,1,{MAPS}>>>>",
    f"select<1,feature_maps<a,b,max_pool<2,2,2,2,tap<b,relu<tap<a,{MAPS}>>>>>>",
]
"""What takes several tensors, or puts blocks together, at each number of inputs."""
